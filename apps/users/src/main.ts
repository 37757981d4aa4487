import { runApp } from '@banyan/hosting';
import { joinDevelopment } from '@banyan/development';
import { modules } from './modules';

runApp({ name: 'users', modules, isPart: true, environment: process.env, port: 3001, development: joinDevelopment });
