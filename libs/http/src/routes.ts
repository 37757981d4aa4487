import { Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { METHOD_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { AccessTokens } from './access-tokens';
import { operationName } from './operation-name';
import { routeOf, type Route } from './route';
import { publicPath, ServedPaths } from './served-paths';

type Method = (...parameters: unknown[]) => unknown;
type Parameters = Record<string, { data?: unknown; schema?: unknown }>;

/**
 * Every route of the app, checked at start: each says who may call it, and takes its query and body through one
 * whole schema, so that nothing undeclared gets in, and lies where its module says that it serves. Knows by which
 * module's keys a route's tokens are checked.
 */
@Injectable()
export class Routes implements OnModuleInit {
  /** Every route under `operationName` of its controller and method. */
  readonly byOperation = new Map<string, Route>();
  private readonly tokens = new Map<Route, AccessTokens>();

  constructor(private readonly modules: ModulesContainer) {}

  tokensFor(route: Route): AccessTokens {
    return this.tokens.get(route) as AccessTokens;
  }

  onModuleInit(): void {
    const everybody: ServedPaths[] = [];
    for (const module of this.modules.values()) {
      const provided = <Provider>(kind: Type<Provider>) =>
        [...module.imports]
          .map(({ providers }) => providers.get(kind)?.instance as Provider | undefined)
          .find((provider) => provider !== undefined);
      const [tokens, served] = [provided(AccessTokens), provided(ServedPaths)];
      if (served && !everybody.includes(served)) everybody.push(served);
      for (const { metatype } of module.controllers.values()) {
        if (metatype) this.check(metatype as new () => object, tokens, served);
      }
    }
    refuseSharedPaths(everybody);
  }

  private check(controller: new () => object, tokens: AccessTokens | undefined, served: ServedPaths | undefined): void {
    for (const name of Object.getOwnPropertyNames(controller.prototype)) {
      const method = (controller.prototype as Record<string, Method>)[name];
      if (typeof method !== 'function' || !Reflect.hasMetadata(METHOD_METADATA, method)) continue;
      const where = `${controller.name}.${name}`;
      const route = routeOf(method);
      if (!route?.audience) throw new Error(`${where} does not say who may call it; add @Access(…).`);
      const path = publicPath(controller, method);
      if (served && !served.include(path)) {
        throw new Error(
          `${where} answers ${path}, and ${served.module} serves ${served.prefixes.join(', ')}: add it to what HttpModule.forModule is told.`,
        );
      }
      const parameters = Object.entries(
        (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Parameters,
      );
      const takes = (type: RouteParamtypes) => {
        const found = parameters.filter(([key]) => key.startsWith(`${type}:`)).map(([, parameter]) => parameter);
        const incomplete = found.some(
          ({ schema, data }) => !schema || (data !== undefined && type !== RouteParamtypes.PARAM),
        );
        if (incomplete) throw new Error(`${where} takes ${RouteParamtypes[type]} without one whole schema.`);
        return found.length > 0;
      };
      takes(RouteParamtypes.PARAM);
      route.takesQuery = takes(RouteParamtypes.QUERY);
      route.takesBody = takes(RouteParamtypes.BODY);
      this.byOperation.set(operationName(controller.name, name), route);
      if (route.audience === 'anyone') continue;
      if (!tokens) throw new Error(`${where} needs access tokens; import HttpModule.forModule(…) in its module.`);
      this.tokens.set(route, tokens);
    }
  }
}

/** A request finds its module by its path, so no prefix may lie in the paths of another module. */
function refuseSharedPaths(everybody: readonly ServedPaths[]): void {
  for (const { module, prefixes } of everybody) {
    for (const other of everybody) {
      const common = other.module === module ? undefined : prefixes.find((prefix) => other.include(prefix));
      if (common) throw new Error(`${module} serves ${common}, which belongs to ${other.module}.`);
    }
  }
}
