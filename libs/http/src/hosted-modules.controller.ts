import { Controller, Get, Header, Inject, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import { Access } from './route';
import { ServedPaths } from './served-paths';

/** What an app is called, and which version of the product it is. */
export interface HostingApp {
  name: string;
  version: string;
}

export const HOSTING_APP = Symbol('HOSTING_APP');

/** Which modules this app hosts and which paths are theirs, for a gateway, which leads nobody here. */
@ApiExcludeController()
@SkipThrottle()
@Controller('internal/modules')
export class HostedModulesController implements OnModuleInit {
  private hosted: { module: string; prefixes: readonly string[] }[] = [];

  constructor(
    @Inject(HOSTING_APP) private readonly app: HostingApp,
    private readonly nestModules: ModulesContainer,
  ) {}

  onModuleInit(): void {
    const served = [...this.nestModules.values()]
      .map(({ providers }) => providers.get(ServedPaths)?.instance as ServedPaths | undefined)
      .filter((paths) => paths !== undefined);
    this.hosted = served.map(({ module, prefixes }) => ({ module, prefixes }));
  }

  @Get()
  @Access('anyone')
  @Header('Cache-Control', 'no-store')
  tell() {
    return { app: this.app.name, version: this.app.version, modules: this.hosted };
  }
}
