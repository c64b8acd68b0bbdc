/** Questions to the person in front of the page, and messages to them. */
import { element } from '../../../client/page/elements.ts';

/** Time good news stays, milliseconds. */
const GOOD_NEWS_MS = 8000;

let clearing: ReturnType<typeof setTimeout> | undefined;

/** Shows a message; an empty one clears it. good: shown for a while only. */
export function say(text: string, good = false): void {
  clearTimeout(clearing);
  if (good) clearing = setTimeout(() => say(''), GOOD_NEWS_MS);
  const place = element('message');
  place.hidden = text === '';
  place.textContent = text;
  place.className = good ? 'fine' : '';
}

/** A token, '' to forget the one there is; undefined where the dialog was cancelled or is open already. */
export async function askToken(text?: string): Promise<string | undefined> {
  const dialog = element('token-dialog', HTMLDialogElement);
  if (dialog.open) return undefined;
  if (text !== undefined) element('token-text').textContent = text;
  const input = element('token', HTMLInputElement);
  input.value = '';
  const response = await closed(dialog);
  if (response === undefined) return undefined;
  return response === 'forget' ? '' : input.value.trim();
}

/** The reason for a change; undefined where the dialog was cancelled or no reason was given. */
export async function askReason(title: string): Promise<string | undefined> {
  element('reason-title').textContent = title;
  const input = element('reason', HTMLInputElement);
  input.value = '';
  const reason = (await closed(element('reason-dialog', HTMLDialogElement))) === undefined ? '' : input.value.trim();
  return reason === '' ? undefined : reason;
}

/** Whether the image is to be erased; false where the dialog was cancelled. name: under which people know it. */
export async function confirmErasure(name: string): Promise<boolean> {
  element('erase-title').textContent = `Erase ${name}`;
  return (await closed(element('erase-dialog', HTMLDialogElement))) !== undefined;
}

/** Opens the dialog and waits for the button that closes it; undefined where that is Cancel or Escape. */
function closed(dialog: HTMLDialogElement): Promise<string | undefined> {
  return new Promise((resolve) => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'cancel' ? undefined : dialog.returnValue), { once: true });
    dialog.showModal();
  });
}

/** Buttons that close their dialog. They are no submit buttons: Enter would press the first of those. */
export function wireDialogs(): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-close]')) {
    button.addEventListener('click', () => button.closest('dialog')?.close(button.dataset['close']));
  }
}
