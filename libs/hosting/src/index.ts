// First, so that everything after it is compiled once only.
import './compile-cache';
export { endOnRequest } from './end-on-request';
export { runApp, type HostedApp } from './run-app';
