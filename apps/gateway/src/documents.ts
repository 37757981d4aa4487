import { Problem } from '@banyan/problem';
import { ask } from './ask';
import type { Instance } from './instance';
import { mergedAsyncApi, mergedOpenApi } from './merge-documents';
import type { Routing } from './routing';

const ASK_TIMEOUT_MS = 5_000;

const kinds = {
  '/openapi.json': mergedOpenApi,
  '/asyncapi.json': mergedAsyncApi,
} as const;
export type DocumentPath = keyof typeof kinds;

interface Told {
  /** Which app told it, in which version, hosting what. */
  readonly by: string;
  readonly document: Record<string, unknown>;
}

/**
 * The documents of all apps in one, as an app that hosts every module would tell them. An app is asked when the document is
 * first wanted and when it has become another version; while it is away, what it said last stands.
 */
export class Documents {
  private readonly told = new Map<string, Told>();
  private readonly merged = new Map<DocumentPath, { of: string; document: object; text: string }>();

  constructor(private readonly routing: Routing) {}

  /** Throws a Problem while an app has never been reached. */
  async document(path: DocumentPath): Promise<object> {
    return (await this.current(path)).document;
  }

  /** The same as text, written out once. */
  async text(path: DocumentPath): Promise<string> {
    return (await this.current(path)).text;
  }

  private async current(path: DocumentPath) {
    const apps = Object.keys(this.routing.topology?.apps ?? {});
    const told = await Promise.all(apps.map((app) => this.of(app, path)));
    const of = told.map(({ by }) => by).join();
    const known = this.merged.get(path);
    if (known?.of === of) return known;
    const document = kinds[path](told.map((one) => one.document));
    const now = { of, document, text: JSON.stringify(document) };
    this.merged.set(path, now);
    return now;
  }

  private async of(app: string, path: DocumentPath): Promise<Told> {
    const key = `${app} ${path}`;
    const last = this.told.get(key);
    const instance = this.routing.all().find((one) => one.app === app && one.state === 'ready');
    const by = instance ? JSON.stringify(instance.hosting) : undefined;
    if (instance && by !== undefined && by !== last?.by) {
      const document = await documentOf(instance, path);
      if (document) {
        const now = { by, document };
        this.told.set(key, now);
        return now;
      }
    }
    if (last) return last;
    throw new Problem('unavailable', `The app ${app} has not told its part of the document yet.`, {
      headers: { 'Retry-After': '1' },
    });
  }
}

async function documentOf({ address }: Instance, path: DocumentPath): Promise<Record<string, unknown> | undefined> {
  try {
    const { status, text } = await ask(address, path, ASK_TIMEOUT_MS);
    return status === 200 ? (JSON.parse(text) as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
