/** VitePress' own theme with the fonts of the system, so that the site loads none. */
export { default } from 'vitepress/theme-without-fonts';
