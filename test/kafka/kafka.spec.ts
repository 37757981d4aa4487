import { askKafka } from '../../libs/development/src';
import { describeWithKafka } from './describe-with-kafka';

describeWithKafka('the Kafka of this test run', () => {
  it('serves at KAFKA_BROKERS', async () => {
    await expect(askKafka(process.env['KAFKA_BROKERS']!.split(','))).resolves.toMatchObject({
      brokerIds: expect.arrayContaining([1]),
    });
  });
});
