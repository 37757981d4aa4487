/** A program of the bench: the least that Nest, Fastify and TypeORM can be: one entity, one call that stores it, health. */
import 'reflect-metadata';
import { Body, Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { endWithParent } from '../answering';

@Entity('thing')
class ThingEntity {
  @PrimaryGeneratedColumn({ type: 'bigint' }) id!: string;
  @Column('jsonb') content!: object;
}

@Controller()
class Things {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  @Get('health/ready')
  async ready(): Promise<object> {
    await this.dataSource.query('SELECT 1');
    return { status: 'ok' };
  }

  @Post('api/v1/orders')
  store(@Body() content: object): Promise<ThingEntity> {
    const things = this.dataSource.getRepository(ThingEntity);
    return things.save(things.create({ content }));
  }
}

@Module({
  controllers: [Things],
  providers: [
    {
      provide: DataSource,
      useFactory: () => {
        const url = process.env['DATABASE_URL'] as string;
        // The table is there from the first start on; like the product's, it is not looked over at every other.
        const synchronize = process.env['FIRST'] === 'yes';
        return new DataSource({ type: 'postgres', url, entities: [ThingEntity], synchronize }).initialize();
      },
    },
  ],
})
class BareApp {}

async function start(): Promise<void> {
  const app = await NestFactory.create(BareApp, new FastifyAdapter(), { logger: ['error', 'warn'] });
  await app.listen(Number(process.env['PORT']), '127.0.0.1');
}

endWithParent();
void start();
