"""Exports of labelling tools, in their documented formats."""

import json
import zipfile
from xml.etree import ElementTree


def write_label_studio(path, tasks, minimal=False):
    """Write an export of Label Studio, JSON or JSON-MIN.

    Args:
        path (Path): The file.
        tasks (list[tuple]): Of each task, what its ``video`` is, and its
            results: ``(first, last, label)`` of frames from 1, or a label of
            the whole video.
        minimal (bool): Whether it is JSON-MIN. Defaults to False.
    """
    content = []
    for number, (video, results) in enumerate(tasks, 1):
        values = [_value(result) for result in results]
        task = dict(id=number, created_at='2026-01-01T00:00:00Z')
        if minimal:
            task.update(video=video, videoLabels=values, annotator=1)
        else:
            task['data'] = dict(video=video)
            task['file_upload'] = video.rpartition('/')[2]
            task['annotations'] = [
                dict(
                    id=10 * number,
                    was_cancelled=False,
                    ground_truth=False,
                    result=[
                        dict(
                            id=f'r{i}',
                            type='timelinelabels' if 'ranges' in value else 'choices',
                            from_name='videoLabels',
                            to_name='video',
                            origin='manual',
                            value=value,
                        )
                        for i, value in enumerate(values)
                    ],
                )
            ]
        content.append(task)
    path.write_text(json.dumps(content))
    return str(path)


def _value(result):
    if isinstance(result, str):
        return dict(choices=[result])
    first, last, label = result
    return dict(ranges=[dict(start=first, end=last)], timelinelabels=[label])


# long: it is the layout of CVAT's file
def write_cvat(path, source, labels, tracks=(), tags=(), start=0, step=1):
    """Write an export of CVAT, for video (tracks) or for images (tags).

    Args:
        path (Path): An XML file, or a zip with it.
        source (str): Name of the video.
        labels (list[str]): That the task declares.
        tracks (list[tuple]): Label, and pairs of a frame and whether the
            object is outside.
        tags (list[tuple]): Frame and label; the frames count in the file.
        start (int): First frame of the task. Defaults to 0.
        step (int): Frames of the file for one of the task. Defaults to 1.
    """
    root = ElementTree.Element('annotations')
    ElementTree.SubElement(root, 'version').text = '1.1'
    task = ElementTree.SubElement(ElementTree.SubElement(root, 'meta'), 'task')
    values = dict(id='7', name='a task', size='100', mode='interpolation')
    values.update(start_frame=str(start), source=source)
    if step > 1:
        values['frame_filter'] = f'step={step}'
    for key, value in values.items():
        ElementTree.SubElement(task, key).text = value
    declared = ElementTree.SubElement(task, 'labels')
    for label in labels:
        one = ElementTree.SubElement(declared, 'label')
        ElementTree.SubElement(one, 'name').text = label
        ElementTree.SubElement(one, 'attributes')
    for number, (label, shapes) in enumerate(tracks):
        track = ElementTree.SubElement(
            root, 'track', id=str(number), label=label, source='manual'
        )
        for frame, outside in shapes:
            box = dict(frame=str(frame), outside=str(int(outside)), occluded='0')
            box.update(keyframe='1', xtl='1', ytl='1', xbr='9', ybr='9', z_order='0')
            ElementTree.SubElement(track, 'box', box)
    last = max([frame for frame, _ in tags], default=-1)
    for number, frame in enumerate(range(start, last + 1, step)):
        image = dict(id=str(number), name=f'frame_{frame:06}', width='64', height='48')
        element = ElementTree.SubElement(root, 'image', image)
        for own, label in tags:
            if own == frame:
                ElementTree.SubElement(element, 'tag', label=label, source='manual')
    text = ElementTree.tostring(root, 'unicode')
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('annotations.xml', text)
    else:
        path.write_text(text)
    return str(path)
