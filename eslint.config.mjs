import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { docstrings } from './tools/lint/docstrings.mjs';

export default defineConfig(
  {
    ignores: [
      'dist',
      'docs-site',
      'docs/.vitepress/cache',
      'examples/*/dist',
      'node_modules',
      'eslint.config.mjs',
      'tools/lint/*.mjs',
      'test/recorded/record-*.mjs',
      'test/support/*.mjs',
    ],
  },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'Identifier[name=/^(MOST|LEAST)_/]', message: 'Expected a bound to begin with MAX_ or MIN_, got MOST_ or LEAST_.' },
      ],
    },
  },
  {
    files: ['src/**', 'examples/**', 'tools/**'],
    plugins: { prosam: { rules: { docstrings } } },
    rules: { 'prosam/docstrings': 'error' },
  },
  {
    files: ['src/client/page/**', 'src/adapters/console/page/**', 'examples/web/page/**'],
    rules: { 'no-restricted-globals': ['error', 'process', 'Buffer', 'require', 'global', '__dirname', '__filename'] },
  },
);
