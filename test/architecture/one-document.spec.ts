import 'reflect-metadata';
import { loadSettings } from '@banyan/config';
import { createHttpApp } from '@banyan/http';
import type { Type } from '@nestjs/common';
import { mergedAsyncApi, mergedOpenApi } from '../../apps/gateway/src/merge-documents';
import { modules } from '../../apps/monolith/src/modules';
import { freshDatabase, type FreshDatabase } from '../database/database';

type Json = Record<string, unknown>;

describe('the document of the whole shop is that of its apps, put together', () => {
  let postgres: FreshDatabase;
  const told = new Map<string, { openApi: Json; asyncApi: Json }>();

  beforeAll(async () => {
    postgres = await freshDatabase();
    for (const hosted of [modules, ...modules.map((module) => [module])])
      told.set(nameOf(hosted), await documentsOf(hosted));
  }, 60_000);
  afterAll(() => postgres?.drop());

  async function documentsOf(hosted: readonly Type[]) {
    const settings = loadSettings({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      DATABASE_URL: postgres.url,
      ADMIN_EMAIL: 'admin@shop.example',
      ADMIN_PASSWORD: 'the admin has one too',
    });
    const app = await createHttpApp(settings, hosted);
    await app.init();
    const get = async (url: string) => (await app.inject({ method: 'GET', url })).json() as Json;
    const documents = { openApi: await get('/openapi.json'), asyncApi: await get('/asyncapi.json') };
    await app.close();
    return documents;
  }

  const whole = () => told.get(nameOf(modules))!;
  const parts = () => modules.map((module) => told.get(nameOf([module]))!);

  // As text, so that the order counts, too.
  const text = (document: object) => JSON.stringify(document, null, 2);

  it('in whatever order they are asked', () => {
    for (const apps of [parts(), parts().reverse(), [...parts().slice(2), ...parts().slice(0, 2)]]) {
      expect(text(mergedOpenApi(apps.map(({ openApi }) => openApi)))).toBe(text(whole().openApi));
      expect(text(mergedAsyncApi(apps.map(({ asyncApi }) => asyncApi)))).toBe(text(whole().asyncApi));
    }
  });

  it('where some of it is told twice, too', () => {
    const apps = [whole(), ...parts()];
    expect(text(mergedOpenApi(apps.map(({ openApi }) => openApi)))).toBe(text(whole().openApi));
    expect(text(mergedAsyncApi(apps.map(({ asyncApi }) => asyncApi)))).toBe(text(whole().asyncApi));
  });

  it('and lacks what no app tells', () => {
    const [, ...rest] = parts();
    expect(text(mergedOpenApi(rest.map(({ openApi }) => openApi)))).not.toBe(text(whole().openApi));
    expect(text(mergedAsyncApi(rest.map(({ asyncApi }) => asyncApi)))).not.toBe(text(whole().asyncApi));
  });
});

const nameOf = (hosted: readonly Type[]) => hosted.map(({ name }) => name).join();
