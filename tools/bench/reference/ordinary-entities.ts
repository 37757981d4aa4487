import {
  Column,
  CreateDateColumn,
  Entity,
  Index,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
} from 'typeorm';

@Entity('product')
export class ProductEntity {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') sku!: string;
  @Column('text') name!: string;
  @Column('integer') priceAmount!: number;
  @Column('text') priceCurrency!: string;
}

@Entity('order')
@Index(['customerId', 'idempotencyKey'], { unique: true })
export class OrderEntity {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') customerId!: string;
  @Column('text') idempotencyKey!: string;
  @Column('text') status!: string;
  @Column('integer') totalAmount!: number;
  @Column('text') totalCurrency!: string;
  @Column('text') paymentToken!: string;
  @CreateDateColumn({ type: 'timestamptz' }) placedAt!: Date;
  @OneToMany(() => OrderItemEntity, (item) => item.order, { cascade: ['insert'] }) items!: OrderItemEntity[];
}

@Entity('order_item')
export class OrderItemEntity {
  @PrimaryGeneratedColumn({ type: 'bigint' }) id!: string;
  @Index() @ManyToOne(() => OrderEntity, (order) => order.items) order!: OrderEntity;
  @Column('uuid') productId!: string;
  @Column('text') sku!: string;
  @Column('text') name!: string;
  @Column('integer') quantity!: number;
  @Column('integer') unitAmount!: number;
}

@Entity('outbox_message')
export class OutboxMessageEntity {
  @PrimaryGeneratedColumn({ type: 'bigint' }) id!: string;
  @Column('text') type!: string;
  @Column('text') key!: string;
  @Column('jsonb') payload!: object;
  @CreateDateColumn({ type: 'timestamptz' }) createdAt!: Date;
  @Index({ where: '"sentAt" IS NULL' }) @Column('timestamptz', { nullable: true }) sentAt!: Date | null;
}

export const entities = [ProductEntity, OrderEntity, OrderItemEntity, OutboxMessageEntity];
