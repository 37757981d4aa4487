import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '@banyan/development';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { request as send } from 'undici';

/** A schema of the document, with its references resolved. */
export interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  format?: string;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: Schema;
}

/** One call of the API, as its document declares it. */
export interface Operation {
  id: string;
  method: string;
  /** As in `/api/v1/orders/{id}`. */
  path: string;
  /** Who may call: anyone, whoever is signed in (`user`), or who has the role. */
  audience: string;
  parameters: Parameter[];
  body: { schema: Schema; required: boolean } | undefined;
  responses: Record<string, { content?: Record<string, unknown> }>;
}

type Document = {
  paths: Record<string, Record<string, Omit<Operation, 'body'> & { operationId: string } & Record<string, unknown>>>;
  components?: { schemas?: Record<string, Schema> };
};

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** What a shop publishes at /openapi.json: its calls, and the shapes that its answers must have. */
export class Api {
  readonly operations: readonly Operation[];
  private readonly ajv = addFormats(new Ajv2020({ strict: false })) as unknown as Ajv2020;
  private readonly checks = new Map<string, ValidateFunction>();

  constructor(private readonly document: Document) {
    this.ajv.addSchema(document, 'document');
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      METHODS.filter((method) => methods[method]).map((method) => this.operation(path, method)),
    );
  }

  static async of(baseUrl: string): Promise<Api> {
    const { statusCode, body } = await send(new URL('/openapi.json', baseUrl));
    if (statusCode !== 200) throw new Error(`${baseUrl}/openapi.json was answered ${statusCode}.`);
    return new Api((await body.json()) as Document);
  }

  /** What is wrong with the body of an answer that the operation declares; null where nothing is. */
  complaintAbout({ path, method }: Operation, status: number, type: string, body: unknown): string | null {
    const steps = ['paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema'];
    const place = steps
      .map((step) => `/${encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
      .join('');
    let check = this.checks.get(place);
    if (!check) this.checks.set(place, (check = this.ajv.compile({ $ref: `document#${place}` })));
    return check(body) ? null : this.ajv.errorsText(check.errors, { dataVar: 'body' });
  }

  private operation(path: string, method: string): Operation {
    const declared = this.document.paths[path]?.[method] as unknown as {
      operationId: string;
      parameters?: Parameter[];
      security?: { accessToken?: string[] }[];
      requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
      responses: Operation['responses'];
    };
    const schema = declared.requestBody?.content['application/json']?.schema;
    const [security] = declared.security ?? [];
    return {
      id: declared.operationId,
      method: method.toUpperCase(),
      path,
      audience: security ? (security.accessToken?.[0] ?? 'user') : 'anyone',
      parameters: (declared.parameters ?? []).map((parameter) => ({
        ...parameter,
        schema: this.resolved(parameter.schema),
      })),
      body: schema && { schema: this.resolved(schema), required: declared.requestBody?.required ?? false },
      responses: declared.responses,
    };
  }

  private resolved(schema: Schema & { $ref?: string }): Schema {
    const found = schema.$ref
      ? (this.document.components?.schemas?.[schema.$ref.split('/').at(-1) as string] ?? {})
      : schema;
    return {
      ...found,
      ...(found.properties && {
        properties: Object.fromEntries(
          Object.entries(found.properties).map(([name, property]) => [name, this.resolved(property)]),
        ),
      }),
      ...(found.items && { items: this.resolved(found.items) }),
    };
  }
}

/** The codes of docs/errors.md, each as `code status`. */
export function listedCodes(): ReadonlySet<string> {
  const rows = readFileSync(join(projectFolder(), 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z-]+)` +\| (\d{3}) /gm);
  return new Set([...rows].map(([, code, status]) => `${code} ${status}`));
}
