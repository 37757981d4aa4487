import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { UnreadableLine } from './classify-line';
import { InvoiceBook } from './invoice-book';

/** The input cannot be read; the message names the file, and the line where there is one. */
export class UnreadableInput extends Error {}

const COLUMNS = ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'UnitPrice', 'CustomerID'] as const;
// It becomes an HTTP header, the order's idempotency key.
const INVOICE_NUMBER = /^[!-~]{1,100}$/;
type Column = (typeof COLUMNS)[number];

/**
 * Reads files, and folders' *.csv by name, in the order given, as streams. Columns are found by their header and may
 * stand in any order. Throws `UnreadableInput`.
 */
export async function readInvoices(paths: readonly string[]): Promise<InvoiceBook> {
  const files = (await Promise.all(paths.map(csvFilesAt))).flat();
  const book = new InvoiceBook();
  for (const file of files) await readFile(file, book);
  return book;
}

async function csvFilesAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.csv')).sort();
    if (names.length === 0) throw new UnreadableInput(`${path}: the folder holds no *.csv`);
    return names.map((name) => join(path, name));
  } catch (error) {
    throw inWords(error, path);
  }
}

async function readFile(file: string, book: InvoiceBook): Promise<void> {
  let enter: ((record: string[]) => void) | undefined;
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    // Records are entered where they are parsed, so that none is queued, and each still knows its line.
    on_record: (record: string[], { lines }) => {
      try {
        if (enter) enter(record);
        else enter = entering(record, book);
      } catch (error) {
        throw inWords(error, file, lines);
      }
      return null;
    },
  });
  parser.resume();
  try {
    await pipeline(createReadStream(file), parser);
  } catch (error) {
    throw inWords(error, file);
  }
  if (!enter) throw new UnreadableInput(`${file}: the file is empty, without even a header`);
}

/** How the records under this header are entered. */
function entering(header: string[], book: InvoiceBook): (record: string[]) => void {
  const missing = COLUMNS.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new UnreadableLine(`the header lacks ${missing.join(', ')}`);
  const places = Object.fromEntries(COLUMNS.map((column) => [column, header.indexOf(column)])) as Record<
    Column,
    number
  >;
  return (record) => {
    const field = (column: Column) => record[places[column]]!;
    const invoiceNumber = field('InvoiceNo');
    if (!INVOICE_NUMBER.test(invoiceNumber)) {
      throw new UnreadableLine(`the InvoiceNo ${JSON.stringify(invoiceNumber)} is no number of an invoice`);
    }
    book.enter({
      invoiceNumber,
      stockCode: field('StockCode'),
      description: field('Description'),
      quantity: field('Quantity'),
      unitPrice: field('UnitPrice'),
      // Spreadsheets write the customer 17850 as 17850.0.
      customer: field('CustomerID').replace(/\.0+$/, ''),
    });
  };
}

function inWords(error: unknown, file: string, line?: number): unknown {
  if (error instanceof UnreadableInput) return error;
  if (error instanceof UnreadableLine) return new UnreadableInput(`${file}:${line}: ${error.message}`);
  if (error instanceof CsvError) {
    return new UnreadableInput(`${file}:${String(error['lines'])}: no CSV: ${error.message}`);
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new UnreadableInput(`${file}: no such file or folder`);
  if (code === 'EACCES' || code === 'EPERM') return new UnreadableInput(`${file}: not allowed to read it`);
  return error;
}
