"""Take pictures of the web page, as a desktop and a phone show it.

    python -m tests.kit.web_pictures URL VIDEO... --query TEXT --out DIR

URL is that of a page with an index, such as `bike web --config mydata --index
index` prints. The first VIDEO is shown alone, all of them as a table. Pictures
begin at the top of the page. Those in docs/ are desktop_one.png (web.png),
desktop_several.png (web_videos.png) and desktop_search.png (web_search.png).
"""

import argparse
import os
import os.path as osp
import tempfile
import time

from tests.kit.browser import Visit, open_browser

SIZES = dict(desktop=(1280, 800), phone=(390, 844))


def take(visit, name, out):
    """A picture of what is shown now, in each size."""
    for kind, size in SIZES.items():
        visit.resize(*size)
        visit.browser.execute_script('window.scrollTo(0, 0)')
        time.sleep(1)  # to lay it out, and load pictures
        visit.browser.save_screenshot(osp.join(out, f'{kind}_{name}.png'))
    visit.resize(*SIZES['desktop'])


def show_one(visit, video):
    visit.upload(video)
    visit.recognize()
    visit.value_of('#annotated video', 'duration')


def show_several(visit, videos):
    visit.open_tab('Several videos')
    (field,) = visit.all('#videos input[type=file]')
    field.send_keys('\n'.join(map(osp.abspath, videos)))
    visit.wait(lambda: len(visit.all('#videos tr.file')) == len(videos), 'uploads')
    visit.all('#recognize_each')[0].click()
    visit.wait(lambda: visit.all('#results a'), 'the results')


def show_matches(visit, query):
    visit.open_tab('Search')
    visit.type('#query', query)
    visit.all('#search')[0].click()
    visit.wait(lambda: visit.all('#matches .moment'), 'the videos')
    time.sleep(5)  # their pictures are made


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('url')
    parser.add_argument('videos', nargs='+')
    parser.add_argument('--query', required=True)
    parser.add_argument('--out', default='.')
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    browser = open_browser(tempfile.mkdtemp(), '--hide-scrollbars')
    try:
        take(Visit(browser, args.url), 'first', args.out)
        for name, show, shown in (
            ('one', show_one, osp.abspath(args.videos[0])),
            ('several', show_several, args.videos),
            ('search', show_matches, args.query),
        ):
            visit = Visit(browser, args.url)
            show(visit, shown)
            take(visit, name, args.out)
    finally:
        browser.quit()


if __name__ == '__main__':
    main()
