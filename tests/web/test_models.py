"""A page with several models: the menu, and classes of their own."""

import pytest

pytest.importorskip('gradio', reason='Gradio is not installed')


@pytest.mark.slow
def test_menu_of_models(rich_visit, folder, trained, bike):
    visit, video = rich_visit, str(folder / 'good.mp4')
    assert visit.value('#own') == 'a wave\na dune'
    assert visit.all('#own label')[0].text.startswith('2 classes')
    assert visit.shows('#own') and not visit.shows('#classes')
    assert visit.value('#threshold') == '0.99'
    visit.upload(video)
    summary = visit.recognize()
    (recognition,) = trained(video)
    name, value = recognition.predictions[0]
    assert recognition.label is None and name in ('a wave', 'a dune')
    assert summary.splitlines()[:2] == [
        'none of these',
        f'The likeliest class, {name}, has {100 * value:.0f} %: '
        'less than the threshold of 99 %.',
    ]
    # Others, which no threshold was chosen for.
    visit.all('#others input')[0].click()
    visit.wait(lambda: visit.value('#threshold') == '0', 'the threshold')
    assert visit.shows('#classes') and not visit.shows('#own')
    visit.type('#classes', 'a dog, yoga')
    visit.all('#recognize')[0].click()
    (recognition,) = trained(video, ['a dog', 'yoga'])
    visit.wait(
        lambda: visit.summary().splitlines()[0] == recognition.label, 'another result'
    )
    # What was typed stays with another model, and counts for it.
    visit.choose('any')
    visit.all('#recognize')[0].click()
    (recognition,) = bike(video, ['a dog', 'yoga'])
    names = ', '.join(name for name, _ in recognition.attributes)
    expected = [recognition.label, f'Attributes: {names}']
    visit.wait(lambda: visit.summary().splitlines() == expected, 'its result')
    assert visit.value('#classes') == 'a dog, yoga'
    visit.choose('trained')
    visit.wait(lambda: visit.value('#threshold') == '0.99', 'the threshold')
    assert visit.shows('#own') and not visit.shows('#classes')


def test_models_that_are_not_there(rich_page, folder):
    with pytest.raises(ValueError, match="this page has no model 'x'"):
        rich_page._models.wanted('a', 0, 0, True, 'x')
    assert rich_page._models.wanted('', None, None, False, None).threshold == 0.99
    assert rich_page._models.wanted('a', None, None, True, None).threshold == 0
