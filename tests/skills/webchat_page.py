"""The page of `add-webchat` in a real browser: `make webchat`, with Chromium, node and npm.

axe-core looks at it, dark and light, on the width of a phone, before anything is said and after a
talk by the keyboard alone; a word of what it finds, and this ends with 1.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from forks import fork

LIBRARIES = ("playwright-core@1.65.1", "axe-core@4.14.1")
LOOK = r"""
const { chromium } = require('playwright-core');
const { readFileSync } = require('fs');
const [address, program, pictures] = process.argv.slice(2);
(async () => {
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  let found = 0;
  for (const colorScheme of ['dark', 'light']) {
    const size = { width: 390, height: 844 };
    const page = await (await browser.newContext({ bypassCSP: true, viewport: size, colorScheme })).newPage();
    await page.goto(address);
    const look = async (when) => {
      await page.addScriptTag({ content: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') });
      const seen = await page.evaluate(() => axe.run());
      for (const one of seen.violations) {
        console.log(`${colorScheme}, ${when}: ${one.id} (${one.impact}): ${one.nodes[0].html}`);
        found += 1;
      }
      await page.screenshot({ path: `${pictures}/${colorScheme}-${when}.png` });
    };
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    await look('before');
    await page.getByRole('textbox', { name: 'Message' }).focus();
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.getByRole('log', { name: 'Conversation' }).getByText('the heron').last().waitFor();
    await look('after');
  }
  await browser.close();
  console.log(`${found} found`);
  process.exit(found ? 1 : 0);
})();
"""
SAID = "# Birds\n\n| bird | month |\n|---|---|\n| the heron | *April* |\n\n- `one`\n- [two](https://a.b)\n\n```\ncode\n```"


async def looked(folder: Path) -> int:
    """The exit code, after a talk with an agent that says SAID."""
    from bot.channels.webchat import WebChatChannel  # type: ignore[import-not-found]  # noqa: PLC0415
    from doubles import answering  # noqa: PLC0415

    from bot.messages import Turn  # noqa: PLC0415
    from bot.settings import Settings  # noqa: PLC0415

    async def answer(turn: Turn) -> list[str]:
        return [SAID]

    more = {"webchat_port": 18_990}
    channel = WebChatChannel.from_settings(Settings(graftbot_data=folder / "data", **more))  # type: ignore[arg-type]
    program = shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome"
    async with answering(folder / "data", channel, channel.CHAT, answer=answer):
        address = await channel.check()
        command = ("node", "look.js", address, program, str(folder))
        looking = await asyncio.create_subprocess_exec(*command, cwd=folder)
        return await looking.wait()


def main() -> int:
    folder = Path(tempfile.mkdtemp())
    home = fork(folder / "bot", "add-webchat")
    (folder / "look.js").write_text(LOOK)
    subprocess.run(["npm", "install", "--silent", *LIBRARIES], cwd=folder, check=True)
    sys.path[:0] = [str(home), str(home / "tests")]
    code = asyncio.run(looked(folder))
    print(f"pictures: {folder}")  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
