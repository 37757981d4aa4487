import { runApp } from '@banyan/hosting';
import { startDevelopment } from '@banyan/development';
import { modules } from './modules';

runApp({ name: 'monolith', modules, environment: process.env, development: startDevelopment });
