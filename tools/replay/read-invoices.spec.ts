import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { planReplay } from './plan';
import { readInvoices, UnreadableInput } from './read-invoices';
import { expectedReport } from './report';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

describe('invoices', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'banyan-invoices-'))));
  afterEach(() => rm(folder, { recursive: true }));
  const file = async (name: string, ...lines: string[]) => {
    await writeFile(join(folder, name), lines.join('\n'));
    return join(folder, name);
  };
  const line = (invoice: string) =>
    `${invoice},71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom`;

  it('are read file by file: a folder by the names of its files, arguments as they stand', async () => {
    const second = await file('b.csv', HEADER, line('3'));
    await file('a.csv', HEADER, line('1'), line('2'));
    await file('notes.txt', 'not an invoice');
    expect((await readInvoices([folder])).invoiceNumbers).toEqual(['1', '2', '3']);
    expect((await readInvoices([second, join(folder, 'a.csv')])).invoiceNumbers).toEqual(['3', '1', '2']);
  });

  it('are read by the names of their columns, quoted or not, with byte order mark and empty lines', async () => {
    const path = await file(
      'a.csv',
      '\uFEFFCustomerID,Quantity,UnitPrice,Description,StockCode,InvoiceNo',
      '',
      '17850,6,2.55,"HEART, ""WHITE""",85123a,536365',
      '',
    );
    const book = await readInvoices([path]);
    expect(book.products).toEqual([{ sku: '85123A', name: 'HEART, "WHITE"', price: 255 }]);
    expect([book.customers, book.read]).toEqual([['17850'], 1]);
  });

  it('know the customer 17850.0 as 17850', async () => {
    const path = await file('a.csv', HEADER, line('1'), line('2').replace('17850.0', '17850'));
    expect((await readInvoices([path])).customers).toEqual(['17850']);
  });

  it.each([
    [
      'a column is missing',
      ['InvoiceNo,StockCode,Quantity,UnitPrice,Description', '1,2,3,4,5'],
      ':1: the header lacks CustomerID',
    ],
    ['a quote is not closed', [HEADER, line('1'), '2,71053,"WHITE'], ':3: no CSV'],
    ['a line is short', [HEADER, line('1'), '2,71053'], ':3: no CSV'],
    [
      'a number is none',
      [HEADER, line('1'), line('2').replace('3.39', 'dear')],
      ':3: the unit price "dear" is no number',
    ],
    ['an invoice has no number', [HEADER, line('')], ':2: the InvoiceNo "" is no number'],
    ['the file is empty', [], ': the file is empty'],
  ])('are refused by file and line when %s', async (_, lines, complaint) => {
    const path = await file('bad.csv', ...lines);
    const reading = readInvoices([path]);
    await expect(reading).rejects.toThrow(UnreadableInput);
    await expect(reading).rejects.toThrow(`${path}${complaint}`);
  });

  it('are refused when there are none', async () => {
    await expect(readInvoices([join(folder, 'nowhere.csv')])).rejects.toThrow('nowhere.csv: no such file or folder');
    await expect(readInvoices([folder])).rejects.toThrow('the folder holds no *.csv');
  });
});

const threeDays = process.env['REPLAY_DATA'] || resolve(__dirname, '../../../shared/data/online-retail');
const isThere = existsSync(threeDays);
if (!isThere) console.warn(`SKIPPED: no real invoices at ${threeDays}; name their folder in REPLAY_DATA.`);

(isThere ? describe : describe.skip)('three days of a real shop', () => {
  it('come to the report that is known of them', async () => {
    expect(expectedReport(planReplay(await readInvoices([threeDays])))).toEqual({
      invoices: 418,
      orders: { placed: 336, confirmed: 336, cancelled: 0 },
      lines: { read: 7_419, kept: 7_265, skipped: { 'not-a-product': 26, 'bad-quantity': 30, 'bad-price': 15 } },
      returns: { matched: 7, unmatched: 76 },
      revenue: { amount: 148_580_87, currency: 'GBP' },
      refunds: { amount: 136_10, currency: 'GBP' },
      products: 1_807,
      customers: 234,
    });
  });
});
