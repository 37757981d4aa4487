import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { moduleDataOf, PersistenceModule } from './index';

class CreatePears1795183200001 {
  async up(): Promise<void> {}
  async down(): Promise<void> {}
}

@Module({})
class Unrelated {}

@Module({
  imports: [Unrelated, PersistenceModule.forModule({ module: 'pears', migrations: [CreatePears1795183200001] })],
})
class PearsModule {}

describe('what a module keeps in its database', () => {
  it('is read from its declaration', () => {
    expect(moduleDataOf(PearsModule)).toEqual({ module: 'pears', migrations: [CreatePears1795183200001] });
  });

  it('is missed by name where it keeps nothing', () => {
    expect(() => moduleDataOf(Unrelated)).toThrow('Unrelated imports no PersistenceModule');
  });
});
