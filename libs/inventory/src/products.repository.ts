import { isUniqueViolation, statement, type Database, type Transaction } from '@banyan/persistence';
import { Injectable } from '@nestjs/common';
import { ProductNotFound, SkuTaken } from './errors';
import { show, type Product, type ShownProduct } from './product';

interface ProductRow {
  id: string;
  sku: string;
  name: string;
  price: number;
  currency: string;
  updatedAt: Date;
}

const COLUMNS = `p.id, p.sku, p.name, p.price, p.currency, p.updated_at AS "updatedAt"`;

const add = statement<never>(
  'inventory.add-product',
  `INSERT INTO product (id, sku, name, price, currency, listed_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
);

const forChange = statement<ProductRow>(
  'inventory.product-for-change',
  `SELECT ${COLUMNS} FROM product p WHERE p.id = $1 FOR NO KEY UPDATE`,
);

const save = statement<never>(
  'inventory.save-product',
  `UPDATE product SET name = $2, price = $3, currency = $4, updated_at = $5 WHERE id = $1`,
);

const shown = statement<ProductRow & { available: number }>(
  'inventory.shown-product',
  `SELECT ${COLUMNS}, s.on_hand - s.reserved AS available
     FROM product p JOIN stock s ON s.product_id = p.id
    WHERE p.id = $1`,
);

// Ids rise with the time of listing, so a page is a walk along the primary key that ends as soon as it is full. A text that
// few products contain walks far, through the catalogue at worst; no index that every PostgreSQL has would find it sooner.
const page = statement<ProductRow & { available: number }>(
  'inventory.page-of-products',
  `SELECT p.*, s.on_hand - s.reserved AS available
     FROM (SELECT ${COLUMNS} FROM product p
            WHERE p.id > $1 AND ($2 = '' OR strpos(p.searchable, lower($2::text COLLATE pg_c_utf8)) > 0)
            ORDER BY p.id LIMIT $3) p
     JOIN stock s ON s.product_id = p.id
    ORDER BY p.id`,
);

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Products in the tables, and beside them how many pieces of each are available. */
@Injectable()
export class ProductsRepository {
  /** Throws `SkuTaken`. */
  async add(tx: Transaction, { id, sku, name, price, updatedAt }: Product): Promise<void> {
    try {
      await tx.query(add, [id, sku, name, price.amount, price.currency, updatedAt]);
    } catch (error) {
      if (isUniqueViolation(error, 'product_sku')) throw new SkuTaken(sku);
      throw error;
    }
  }

  /** The product, locked against other changes until the transaction ends. Throws `ProductNotFound`. */
  async forChange(tx: Transaction, id: string): Promise<Product> {
    const [row] = await tx.query(forChange, [id]);
    if (row === undefined) throw new ProductNotFound(id);
    return productFrom(row);
  }

  async save(tx: Transaction, { id, name, price, updatedAt }: Product): Promise<void> {
    await tx.query(save, [id, name, price.amount, price.currency, updatedAt]);
  }

  /** Throws `ProductNotFound`. */
  async shown(from: Database | Transaction, id: string): Promise<ShownProduct> {
    const [row] = await from.query(shown, [id]);
    if (row === undefined) throw new ProductNotFound(id);
    return shownFrom(row);
  }

  /** In the order in which they were listed, those after `after` whose name or sku contains `text` in any case. */
  async page(
    database: Database,
    { text = '', after = BEFORE_ALL, limit }: { text?: string | undefined; after?: string | undefined; limit: number },
  ): Promise<ShownProduct[]> {
    const rows = await database.query(page, [after, text, limit]);
    return rows.map(shownFrom);
  }
}

function productFrom({ price, currency, ...row }: ProductRow): Product {
  return { ...row, price: { amount: price, currency } };
}

function shownFrom({ available, ...row }: ProductRow & { available: number }): ShownProduct {
  return show(productFrom(row), available);
}
