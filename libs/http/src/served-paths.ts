import { PATH_METADATA } from '@nestjs/common/constants.js';
import type { Type } from '@nestjs/common';

/** The prefix of every path but those of the platform, and those that others have standardised. */
export const BASE_PATH = 'api/v1';

const OUTSIDE = ['health', 'metrics', 'internal', '.well-known'];

/** Paths outside the base path, as Nest's router writes them. */
export const OUTSIDE_BASE_PATH = OUTSIDE.flatMap((path) => [path, `${path}/{*rest}`]);

/** The prefixes of the paths that belong to one module, whatever app it runs in. */
export class ServedPaths {
  readonly prefixes: readonly string[];

  constructor(
    readonly module: string,
    serves: readonly string[] = [`/${BASE_PATH}/${module}`],
  ) {
    this.prefixes = [...serves, `/${BASE_PATH}/ops/${module}`];
  }

  /** Whether the path is one of the prefixes or lies below one. */
  include(path: string): boolean {
    return this.prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  }
}

/** The public path of a controller's method, with its variables as they were written: `/api/v1/orders/:id`. */
export function publicPath(controller: Type, method: (...parameters: never[]) => unknown): string {
  const parts = [controller, method].map((part) => String(Reflect.getMetadata(PATH_METADATA, part) ?? ''));
  const steps = parts
    .join('/')
    .split('/')
    .filter((step) => step !== '');
  return `/${(OUTSIDE.includes(steps[0] ?? '') ? steps : [BASE_PATH, ...steps]).join('/')}`;
}
