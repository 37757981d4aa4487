import { runApp } from '@banyan/hosting';
import { joinDevelopment } from '@banyan/development';
import { modules } from './modules';

runApp({ name: 'orders', modules, isPart: true, environment: process.env, port: 3002, development: joinDevelopment });
