// First, so that everything after it is compiled once only.
import '@banyan/lifetime';
export { runApp, type HostedApp } from './run-app';
