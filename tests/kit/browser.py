"""The web page in a browser, as a person uses it."""

import os
import shutil
import time

import pytest

FLAGS = (
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run '
    '--disable-background-networking --disable-component-update '
    '--disable-sync --disable-dev-shm-usage --window-size=1400,1700'
)


def open_browser(profile, *flags):
    """Debian's packages chromium and chromium-driver, without a window.

    Args:
        profile (str | Path): A new folder.
        *flags (str): More of its arguments.
    """
    programs = [shutil.which(name) for name in ('chromium', 'chromedriver')]
    if None in programs:
        assert os.environ.get('BIKE_BROWSER') != 'required', (
            'neither chromium nor chromedriver may be absent here'
        )
        pytest.skip('chromium or chromedriver is not installed')
    webdriver = pytest.importorskip('selenium.webdriver')
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in (*FLAGS.split(), *flags, f'--user-data-dir={profile}'):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs[1]))
    driver.set_page_load_timeout(60)
    return driver


class Visit:
    """What a person does on the page, and what it shows."""

    def __init__(self, browser, url):
        self.browser = browser
        browser.get(url)
        self.wait(lambda: self.all('#video input[type=file]'), 'the page')

    def all(self, selector):
        return self.browser.find_elements('css selector', selector)

    def wait(self, condition, what):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, 60).until(
            lambda _: condition(), f'waited for {what}'
        )

    def upload(self, path):
        (field,) = self.all('#video input[type=file]')
        field.send_keys(str(path))
        self.wait(
            lambda: self.all('#video video') or self.all('.toast-body'), 'the upload'
        )

    def resize(self, width, height):
        metrics = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)

    def type(self, selector, text):
        (field,) = self.all(f'{selector} textarea, {selector} input')
        field.clear()
        field.send_keys(text)

    def recognize(self):
        self.all('#recognize')[0].click()
        return self.wait(self.summary, 'a result')

    def summary(self):
        elements = self.all('#summary .prose')
        return elements[0].text.strip() if elements else ''

    def text(self):
        return self.all('body')[0].text

    def value_of(self, selector, what):
        """A property of the element, once it has one."""

        def get():
            elements = self.all(selector)
            return elements and self.browser.execute_script(
                f'return arguments[0].{what}', elements[0]
            )

        return self.wait(get, f'{what} of {selector}')

    def shows(self, selector):
        """Whether some such element is to be seen."""
        return any(element.is_displayed() for element in self.all(selector))

    def open_tab(self, name):
        tabs = self.all('button[role=tab]')
        (tab,) = [tab for tab in tabs if tab.text == name and tab.is_displayed()]
        tab.click()

    def choose(self, name):
        """From the menu of models."""
        self.all('#model input')[0].click()

        def option():
            options = self.all('#model [role=option]')
            return next((one for one in options if name in one.text), None)

        self.wait(option, 'the menu').click()

    def value(self, selector):
        """Of a field."""
        (field,) = self.all(f'{selector} textarea, {selector} input')
        return field.get_property('value')

    def fits(self, width=390, height=844):
        """Whether nothing is wider than a screen; it stays so small a while."""
        self.resize(width, height)
        try:
            time.sleep(0.3)  # to lay it out
            return width >= self.browser.execute_script(
                'return document.documentElement.scrollWidth'
            )
        finally:
            self.resize(1400, 1700)
