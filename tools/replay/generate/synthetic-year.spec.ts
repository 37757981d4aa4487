import { createHash } from 'node:crypto';
import { InvoiceBook } from '../invoice-book';
import { planReplay } from '../plan';
import { expectedReport } from '../report';
import { HEADER, syntheticYear } from './synthetic-year';

const columns = HEADER.split(',');
const digest = (lines: Iterable<string>) => {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  return hash.digest('hex');
};

describe('a synthetic year', () => {
  it.each([1, 2, 100, 5_420])('of %i lines has as many', (lines) => {
    expect([...syntheticYear(lines)]).toHaveLength(lines);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(digest(syntheticYear(2_000, 1))).toBe(digest(syntheticYear(2_000, 1)));
    expect(digest(syntheticYear(2_000, 1))).not.toBe(digest(syntheticYear(2_000, 2)));
  });

  it('has the invoices and customers of the real one, and something of everything', () => {
    const book = new InvoiceBook();
    for (const line of syntheticYear(54_200)) {
      const fields = line.split(',');
      const field = (name: string) => fields[columns.indexOf(name)]!;
      book.enter({
        invoiceNumber: field('InvoiceNo'),
        stockCode: field('StockCode'),
        description: field('Description'),
        quantity: field('Quantity'),
        unitPrice: field('UnitPrice'),
        customer: field('CustomerID'),
      });
    }
    const report = expectedReport(planReplay(book));
    expect(report.invoices).toBe(2_590);
    // Everybody who is somebody, and the walk-in customer.
    expect(book.customers).toHaveLength(434 + 1);
    expect(Object.values(report.lines.skipped).every((skipped) => skipped > 0)).toBe(true);
    expect(report.returns.matched).toBeGreaterThan(100);
    expect(report.returns.unmatched).toBeGreaterThan(100);
  });
});
