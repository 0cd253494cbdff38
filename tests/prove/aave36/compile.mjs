// Compiles the pool's sources, and our two stand-ins, with solc-js; writes build/market.json:
// { name: { bytecode, links: [{ name, offsets }] } }. Run by `make prove`; nothing is committed.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const solc = createRequire(import.meta.url)('solc');
const modules = join(here, 'node_modules');
const aave = '@aave-dao/aave-v3-origin/src/contracts';

const prefixes = [
  ['openzeppelin-contracts/', '@openzeppelin/'],
  ['openzeppelin-contracts-upgradeable/', '@openzeppelin/contracts-upgradeable/'],
  ['solidity-utils/', '@bgd-labs/solidity-utils/src/'],
];
const wanted = {
  [`${aave}/protocol/configuration/PoolAddressesProvider.sol`]: ['PoolAddressesProvider'],
  [`${aave}/protocol/configuration/ACLManager.sol`]: ['ACLManager'],
  [`${aave}/misc/AaveOracle.sol`]: ['AaveOracle'],
  [`${aave}/misc/DefaultReserveInterestRateStrategyV2.sol`]: ['DefaultReserveInterestRateStrategyV2'],
  [`${aave}/instances/PoolInstance.sol`]: ['PoolInstance'],
  [`${aave}/instances/PoolConfiguratorInstance.sol`]: ['PoolConfiguratorInstance'],
  [`${aave}/instances/ATokenInstance.sol`]: ['ATokenInstance'],
  [`${aave}/instances/VariableDebtTokenInstance.sol`]: ['VariableDebtTokenInstance'],
  ...Object.fromEntries(
    ['Borrow', 'Configurator', 'FlashLoan', 'Liquidation', 'Pool', 'Supply'].map((name) => [
      `${aave}/protocol/libraries/logic/${name}Logic.sol`,
      [`${name}Logic`],
    ]),
  ),
  'own/TestToken.sol': ['TestToken'],
  'own/TestFeed.sol': ['TestFeed'],
};

function pathOf(source) {
  if (source.startsWith('own/')) return join(here, 'contracts', source.slice('own/'.length));
  for (const [prefix, place] of prefixes) {
    if (source.startsWith(prefix)) return join(modules, place + source.slice(prefix.length));
  }
  return join(modules, source);
}

const read = (source) => readFileSync(pathOf(source), 'utf8');
const input = {
  language: 'Solidity',
  sources: Object.fromEntries(Object.keys(wanted).map((s) => [s, { content: read(s) }])),
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'cancun',
    outputSelection: Object.fromEntries(
      Object.entries(wanted).map(([source, names]) => [
        source,
        Object.fromEntries(names.map((name) => [name, ['evm.bytecode.object', 'evm.bytecode.linkReferences']])),
      ]),
    ),
  },
};
const imports = (source) => {
  try {
    return { contents: read(source) };
  } catch (error) {
    return { error: String(error) };
  }
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: imports }));
const errors = (output.errors ?? []).filter((each) => each.severity === 'error');
if (errors.length) {
  for (const each of errors) console.error(each.formattedMessage);
  process.exit(1);
}

const build = {};
for (const [source, names] of Object.entries(wanted)) {
  for (const name of names) {
    const { object, linkReferences } = output.contracts[source][name].evm.bytecode;
    const links = Object.values(linkReferences).flatMap((libraries) =>
      Object.entries(libraries).map(([library, places]) => ({
        name: library,
        offsets: places.map((place) => place.start),
      })),
    );
    build[name] = { bytecode: object, links };
  }
}
mkdirSync(join(here, 'build'), { recursive: true });
writeFileSync(join(here, 'build', 'market.json'), JSON.stringify(build));
