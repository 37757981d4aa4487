import 'reflect-metadata';
import { Controller, Get, Post } from '@nestjs/common';
import { publicPath, ServedPaths } from './served-paths';

@Controller('kites')
class KitesController {
  @Get()
  list() {}
  @Post(':id/flights')
  fly() {}
  @Get('/deep/')
  deep() {}
}

@Controller()
class KeysController {
  @Get('.well-known/jwks.json')
  publish() {}
}

describe('the paths that a module serves', () => {
  it('are those with its name, and those of its operators, unless it says otherwise', () => {
    expect(new ServedPaths('kites').prefixes).toEqual(['/api/v1/kites', '/api/v1/ops/kites']);
    expect(new ServedPaths('kites', ['/api/v1/toys']).prefixes).toEqual(['/api/v1/toys', '/api/v1/ops/kites']);
  });

  it.each([
    ['/api/v1/kites', true],
    ['/api/v1/kites/7/flights', true],
    ['/api/v1/ops/kites/parked-messages', true],
    ['/api/v1/kitesurfers', false],
    ['/api/v1', false],
  ])('end where a step of the path ends: %s is its own? %s', (path, own) => {
    expect(new ServedPaths('kites').include(path)).toBe(own);
  });

  it.each([
    [KitesController, 'list', '/api/v1/kites'],
    [KitesController, 'fly', '/api/v1/kites/:id/flights'],
    [KitesController, 'deep', '/api/v1/kites/deep'],
    [KeysController, 'publish', '/.well-known/jwks.json'],
  ])('are read from its controllers: %p.%s', (controller, method, path) => {
    expect(publicPath(controller, (controller.prototype as any)[method])).toBe(path);
  });
});
