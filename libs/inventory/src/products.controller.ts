import {
  Access,
  Answers,
  CurrentAttempt,
  idSchema,
  moneySchema,
  page,
  pageOf,
  pageQuery,
  Refuses,
  TakesIdempotencyKey,
  timeSchema,
  type Attempt,
  type Page,
} from '@banyan/http';
import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AdjustStock, type StockLevels } from './adjust-stock';
import { ChangeProduct } from './change-product';
import { ProductNotFound, SkuTaken, StockWouldBeNegative } from './errors';
import { etagOf, isKnown } from './etag';
import { GetProduct } from './get-product';
import { ListProduct } from './list-product';
import type { ShownProduct } from './product';
import { SearchProducts } from './search-products';

const MOST_PIECES = 1_000_000_000;
const HIGHEST_PRICE = 1_000_000_000_000;

const skuSchema = z.string().min(1).max(64).regex(/^\S+$/, 'Must not contain spaces.');
const nameSchema = z.string().min(1).max(200).regex(/\S/, 'Must not be blank.');
const priceSchema = z
  .strictObject({ ...moneySchema.shape, amount: z.int().min(1).max(HIGHEST_PRICE) })
  .meta({ id: 'Price', examples: [{ amount: 650, currency: 'GBP' }] });

const product = z
  .strictObject({
    id: idSchema,
    sku: z.string(),
    name: z.string(),
    price: moneySchema,
    available: z.int().meta({ description: 'Pieces that can be ordered now.' }),
    updatedAt: timeSchema.meta({ description: 'When it was listed, or its name or price last changed.' }),
  })
  .meta({ id: 'Product' });
const products = pageOf(product, 'Products');
const stockLevels = z
  .strictObject({ onHand: z.int(), reserved: z.int(), available: z.int() })
  .meta({ id: 'StockLevels', examples: [{ onHand: 120, reserved: 3, available: 117 }] });

const path = z.strictObject({ id: idSchema });
const search = z.strictObject({
  q: z.string().max(200).optional().meta({ description: 'Part of the name or sku, in any case.' }),
  ...pageQuery(idSchema),
});
const newProduct = z
  .strictObject({ sku: skuSchema, name: nameSchema, price: priceSchema, stock: z.int().min(0).max(MOST_PIECES) })
  .meta({ id: 'NewProduct' });
const productChange = z
  .strictObject({ name: nameSchema.optional(), price: priceSchema.optional() })
  .meta({ id: 'ProductChange' });
const stockAdjustment = z
  .strictObject({
    delta: z
      .int()
      .min(-MOST_PIECES)
      .max(MOST_PIECES)
      .refine((delta) => delta !== 0, 'Must not be 0.')
      .meta({ description: 'Pieces more, or fewer where negative; not 0.', examples: [12] }),
    reason: z.string().min(1).max(500),
    orderId: idSchema.optional().meta({ description: 'The order that these goods came back from.' }),
  })
  .meta({ id: 'StockAdjustment' });

@ApiTags('inventory')
@Controller('products')
export class ProductsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Access('anyone')
  @Answers(200, products)
  async search(@Query({ schema: search }) { q, cursor, limit }: z.infer<typeof search>): Promise<Page<ShownProduct>> {
    const found = await this.queries.execute(new SearchProducts({ text: q, after: cursor, limit: limit + 1 }));
    return page(found, limit, ({ id }) => id);
  }

  @Get(':id')
  @Access('anyone')
  @Answers(200, product)
  @ApiResponse({ status: 304, description: 'It is still as `If-None-Match` says.' })
  @Refuses({ 404: [ProductNotFound] })
  async get(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownProduct | undefined> {
    const found = await this.queries.execute(new GetProduct(id));
    const etag = etagOf(found);
    void reply.header('ETag', etag);
    if (!isKnown(etag, known)) return found;
    void reply.code(304);
    return undefined;
  }

  @Post()
  @Access('admin')
  @TakesIdempotencyKey('optional')
  @Answers(201, product)
  @Refuses({ 409: [SkuTaken] })
  async list(
    @Body({ schema: newProduct }) body: z.infer<typeof newProduct>,
    @CurrentAttempt() attempt: Attempt,
  ): Promise<ShownProduct> {
    return this.commands.execute(new ListProduct(body, attempt));
  }

  @Patch(':id')
  @Access('admin')
  @Answers(200, product)
  @Refuses({ 404: [ProductNotFound] })
  async change(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @Body({ schema: productChange }) body: z.infer<typeof productChange>,
  ): Promise<ShownProduct> {
    return this.commands.execute(new ChangeProduct(id, body));
  }

  @Post(':id/stock-adjustments')
  @Access('admin')
  @TakesIdempotencyKey('optional')
  @Answers(200, stockLevels)
  @Refuses({ 404: [ProductNotFound], 409: [StockWouldBeNegative] })
  async adjust(
    @Param({ schema: path }) { id }: z.infer<typeof path>,
    @Body({ schema: stockAdjustment }) body: z.infer<typeof stockAdjustment>,
    @CurrentAttempt() attempt: Attempt,
  ): Promise<StockLevels> {
    return this.commands.execute(new AdjustStock({ productId: id, ...body }, attempt));
  }
}
