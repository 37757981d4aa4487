import { SETTINGS, type Settings } from '@banyan/config';
import { failpoint } from '@banyan/failpoints';
import { Database } from '@banyan/persistence';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ListProductHandler, type NewProduct } from './list-product';

const gbp = (amount: number) => ({ amount, currency: 'GBP' });

const catalogue: readonly NewProduct[] = [
  { sku: 'TEA-EARL-GREY', name: 'Earl Grey tea, loose leaf, 125 g', price: gbp(650), stock: 200 },
  { sku: 'TEA-ASSAM', name: 'Assam tea, second flush, 125 g', price: gbp(720), stock: 150 },
  { sku: 'TEA-PEPPERMINT', name: 'Peppermint leaves, whole, 60 g', price: gbp(480), stock: 120 },
  { sku: 'COFFEE-YIRGACHEFFE', name: 'Yirgacheffe coffee, whole bean, 250 g', price: gbp(1150), stock: 90 },
  { sku: 'TEAPOT-BROWN-BETTY', name: 'Brown Betty teapot, four cups', price: gbp(2850), stock: 40 },
  { sku: 'MUG-STONEWARE', name: 'Stoneware mug, speckled, 350 ml', price: gbp(1400), stock: 160 },
  { sku: 'STRAINER-STEEL', name: 'Tea strainer, stainless steel', price: gbp(895), stock: 110 },
  { sku: 'TIN-CADDY', name: 'Tea caddy, double-lidded tin', price: gbp(1650), stock: 75 },
  { sku: 'BISCUITS-SHORTBREAD', name: 'All-butter shortbread, 200 g', price: gbp(525), stock: 140 },
  { sku: 'JAM-DAMSON', name: 'Damson jam, 340 g', price: gbp(460), stock: 100 },
  { sku: 'CLOTH-LINEN', name: 'Linen tea towel, indigo stripe', price: gbp(1200), stock: 85 },
  { sku: 'KETTLE-COPPER', name: 'Copper stove kettle, 1.6 litres', price: gbp(11900), stock: 5 },
];

/** Lists a small catalogue in a shop that has none, where the settings say so, so that a newcomer can order at once. */
@Injectable()
export class SeedCatalogue implements OnApplicationBootstrap {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly database: Database,
    private readonly listing: ListProductHandler,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.settings.seedCatalogue) return;
    await this.database.transaction(async (tx) => {
      // Of several instances that start at once, one seeds; the others wait here, and then find a catalogue.
      await tx.query('LOCK TABLE product IN SHARE ROW EXCLUSIVE MODE');
      const [found] = await tx.query('SELECT FROM product LIMIT 1');
      if (found !== undefined) return;
      for (const product of catalogue) await this.listing.list(tx, product);
      await failpoint('seed-catalogue.before-commit');
    });
  }
}
