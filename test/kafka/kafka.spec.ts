import { Kafka, logLevel } from 'kafkajs';
import { askKafka } from '../../libs/development/src';
import { describeWithKafka } from './describe-with-kafka';

describeWithKafka('the Kafka of this test run', () => {
  const brokers = () => process.env['KAFKA_BROKERS']!.split(',');

  it('serves at KAFKA_BROKERS', async () => {
    await expect(askKafka(brokers())).resolves.toMatchObject({ brokerIds: expect.arrayContaining([1]) });
  });

  it('makes no topic that nobody asked for', async () => {
    const producer = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING, retry: { retries: 1 } }).producer();
    await producer.connect();
    await expect(producer.send({ topic: 'misspelt', messages: [{ value: 'lost' }] })).rejects.toThrow(
      'does not host this topic-partition',
    );
    await producer.disconnect();
  });
});
