import { runApp } from '@banyan/hosting';
import { joinDevelopment } from '@banyan/development';
import { modules } from './modules';

runApp({
  name: 'inventory',
  modules,
  isPart: true,
  environment: process.env,
  port: 3004,
  development: joinDevelopment,
});
