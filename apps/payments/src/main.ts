import { runApp } from '@banyan/hosting';
import { joinDevelopment } from '@banyan/development';
import { modules } from './modules';

runApp({ name: 'payments', modules, isPart: true, environment: process.env, port: 3003, development: joinDevelopment });
