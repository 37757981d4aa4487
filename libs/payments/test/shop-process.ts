import 'reflect-metadata';
import { loadSettings } from '@banyan/config';
import { armFailpoints } from '@banyan/failpoints';
import { startShop } from './rest-of-the-shop';

// The shop as a process of its own, to be killed.
const settings = loadSettings(process.env);
armFailpoints(settings);
void startShop(settings).then(() => process.send?.('started'));
process.once('disconnect', () => process.exit());
