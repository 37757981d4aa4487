import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Answer } from './door';

interface Content {
  schema?: object;
}
interface Operation {
  responses: Record<string, { content?: Record<string, Content> }>;
}
type Paths = Record<string, Record<string, Operation>>;

const pointer = (...steps: string[]) =>
  steps.map((step) => `/${encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

/** What a shop's OpenAPI document promises, to hold its answers to. */
export class PublishedDocument {
  private readonly ajv = addFormats(new Ajv2020({ strict: false, allErrors: true })) as unknown as Ajv2020;
  private readonly checks = new Map<string, ValidateFunction>();
  private readonly templates: { template: string; matches: RegExp }[];

  constructor(private readonly document: { paths: Paths }) {
    this.ajv.addSchema(document, 'document');
    // A fixed path before one with a variable at the same place: /users/me is not the user `me`.
    this.templates = Object.keys(document.paths)
      .sort((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
      .map((template) => ({
        template,
        matches: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      }));
  }

  /** What is wrong with the answer in the light of the document; null where nothing is. */
  complaintAbout(method: string, path: string, answer: Answer): string | null {
    const { template } = this.templates.find(({ matches }) => matches.test(path)) ?? {};
    const operation = template === undefined ? undefined : this.document.paths[template]?.[method.toLowerCase()];
    if (template === undefined || operation === undefined) {
      return [400, 404, 405].includes(answer.status) ? null : 'there is no such call in the document';
    }
    const status = String(answer.status);
    const declared = operation.responses[status];
    if (!declared) return `the document declares no ${status}`;
    const [type = ''] = (answer.headers['content-type'] ?? '').split(';', 1);
    if (!declared.content) return answer.text === '' ? null : `the document declares no body for ${status}`;
    if (!declared.content[type]) {
      return `its type is ${type || 'missing'}; the document declares ${Object.keys(declared.content).join(', ')}`;
    }
    const check = this.checkAt(
      pointer('paths', template, method.toLowerCase(), 'responses', status, 'content', type, 'schema'),
    );
    return check(answer.body) ? null : this.ajv.errorsText(check.errors, { dataVar: 'body' });
  }

  private checkAt(place: string): ValidateFunction {
    let check = this.checks.get(place);
    if (!check) this.checks.set(place, (check = this.ajv.compile({ $ref: `document#${place}` })));
    return check;
  }
}
