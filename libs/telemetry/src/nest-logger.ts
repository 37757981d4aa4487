import { Injectable } from '@nestjs/common';
import { Logger } from 'nestjs-pino';

// What Nest tells of its own start: some hundred lines that interest only those who look for them.
const STARTING = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
]);

/** The logger that Nest writes to: nestjs-pino's, with Nest's account of its own start at the level `debug`. */
@Injectable()
export class NestLogger extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && STARTING.has(context)) this.debug(message, ...rest);
    else super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: unknown[]): void {
    // A port that cannot be opened is thrown to the caller too, who can say more about it.
    if (rest.at(-1) === 'NestApplication') this.debug(message, ...rest);
    else super.error(message, ...rest);
  }
}
