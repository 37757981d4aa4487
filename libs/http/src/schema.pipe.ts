import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { validationFailed, type FieldError } from '@banyan/problem';

// Two thousand wrong items are told by the first hundred.
const MOST_ERRORS = 100;

/** Validates each parameter that declares a schema; throws the 400 that names the wrong fields. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, { schema, type, data }: ArgumentMetadata): unknown {
    if (!schema || type === 'custom') return value;
    // No body says as much as an empty one: fine where every field may be left out, else each missing field is named.
    const given = type === 'body' && value === undefined ? {} : value;
    const result = (schema as z.ZodType).safeParse(given);
    if (result.success) return result.data;
    throw validationFailed(fieldErrors(result.error.issues, data));
  }
}

function fieldErrors(issues: readonly z.core.$ZodIssue[], parameter: string | undefined): FieldError[] {
  return issues
    .flatMap((issue): FieldError[] => {
      const path = [...(parameter === undefined ? [] : [parameter]), ...issue.path.map(String)];
      return issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'Unknown field.' }))
        : [{ path: path.join('.'), message: issue.message }];
    })
    .slice(0, MOST_ERRORS);
}
