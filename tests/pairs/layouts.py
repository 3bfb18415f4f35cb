"""Folder layouts as they are found in the wild, in their exact names, and what there is to find in each."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

Masks = str | tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """``pairs``: image -> mask(s). ``split``: image -> split where there are splits. ``skipped``: file -> reason."""

    name: str
    pairs: Mapping[str, Masks]
    split: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)  # skipped files that are drawn as photographs
    texts: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    def kinds(self) -> dict[str, str]:
        """Every file to draw: path -> kind."""
        kinds = dict.fromkeys(self.skipped, "mask") | dict.fromkeys(self.images, "image")
        for image, masks in self.pairs.items():
            kinds[image] = "image"
            kinds |= dict.fromkeys((masks,) if isinstance(masks, str) else masks, "mask")
        return kinds | dict.fromkeys(self.texts, "text") | dict.fromkeys(self.empty, "empty")

    def reasons(self) -> dict[str, str]:
        return {**self.skipped, **self.images}


def siblings(images: str, masks: str, suffix: str = ".png", mask_suffix: str = ".png") -> Layout:
    """Two folders with equal stems."""
    stems = ("001", "002", "017")
    return Layout(f"{images}|{masks}", {f"{images}/{s}{suffix}": f"{masks}/{s}{mask_suffix}" for s in stems})


def in_splits(pattern: str, mask_pattern: str, splits: Mapping[str, str]) -> tuple[dict[str, Masks], dict[str, str]]:
    """Pairs by patterns with ``{s}`` for the split's folder, and the split of each image."""
    pairs: dict[str, Masks] = {}
    split = {}
    for number, (folder, name) in enumerate(splits.items()):
        for stem in (f"a{number}", f"b{number}", f"c{number}"):
            image = pattern.format(s=folder, id=stem)
            pairs[image] = mask_pattern.format(s=folder, id=stem)
            split[image] = name
    return pairs, split


USUAL_SPLITS = {"train": "train", "val": "val", "test": "test"}
SECOND, VIEW = "a second annotation", "a field of view"
VIEW_BESIDE = "the field of view, not the mask"


def drive() -> Layout:
    pairs: dict[str, Masks] = {}
    split, skipped = {}, {}
    for number in (21, 22, 23):
        image = f"training/images/{number}_training.tif"
        pairs[image], split[image] = f"training/1st_manual/{number}_manual1.gif", "train"
        skipped[f"training/mask/{number}_training_mask.gif"] = VIEW_BESIDE
    for number in ("01", "02", "03"):
        image = f"test/images/{number}_test.tif"
        pairs[image], split[image] = f"test/1st_manual/{number}_manual1.gif", "test"
        skipped[f"test/2nd_manual/{number}_manual2.gif"] = SECOND
        skipped[f"test/mask/{number}_test_mask.gif"] = VIEW_BESIDE
    return Layout("DRIVE", pairs, split, skipped)


def ph2() -> Layout:
    ids = ("IMD002", "IMD003", "IMD417")
    folder = "PH2 Dataset images/{0}/{0}_{1}"
    return Layout(
        "PH2",
        {
            folder.format(i, "Dermoscopic_Image") + f"/{i}.bmp": folder.format(i, "lesion") + f"/{i}_lesion.bmp"
            for i in ids
        },
        skipped={folder.format(i, "roi") + f"/{i}_R1_Label4.bmp": VIEW for i in ids},
        texts=("PH2_dataset.txt",),
    )


def isic() -> Layout:
    ids = ("ISIC_0000000", "ISIC_0000001", "ISIC_0015372")
    pairs: dict[str, Masks] = {
        f"ISIC2018_Task1-2_Training_Input/{i}.jpg": f"ISIC2018_Task1_Training_GroundTruth/{i}_segmentation.png"
        for i in ids
    }
    split = dict.fromkeys(pairs, "train")
    image = "ISIC2018_Task1-2_Validation_Input/ISIC_0012255.jpg"
    pairs[image] = "ISIC2018_Task1_Validation_GroundTruth/ISIC_0012255_segmentation.png"
    return Layout(
        "ISIC",
        pairs,
        split | {image: "val"},
        skipped={"ISIC2018_Task1-2_Training_Input/ISIC_0000000_superpixels.png": "superpixels"},
        texts=("ISIC2018_Task1-2_Training_Input/ATTRIBUTION.txt",),
    )


def stare(images: str, first: str, second: str) -> Layout:
    ids = ("im0001", "im0002", "im0077")
    return Layout(
        f"STARE {images or 'flat'}",
        {f"{images}{i}.ppm": f"{first}{i}.ah.ppm" for i in ids},
        skipped={f"{second}{i}.vk.ppm": SECOND for i in ids},
    )


def chase() -> Layout:
    ids = ("Image_01L", "Image_01R", "Image_14L")
    return Layout(
        "CHASE_DB1",
        {f"{i}.jpg": f"{i}_1stHO.png" for i in ids},
        skipped={f"{i}_2ndHO.png": SECOND for i in ids},
    )


def hrf() -> Layout:
    ids = ("01_dr", "01_h", "02_g")
    return Layout(
        "HRF",
        {f"images/{i}.JPG": f"manual1/{i}.tif" for i in ids},
        skipped={f"mask/{i}_mask.tif": VIEW_BESIDE for i in ids},
    )


def busi() -> Layout:
    pairs: dict[str, Masks] = {
        "benign/benign (1).png": "benign/benign (1)_mask.png",
        "benign/benign (2).png": "benign/benign (2)_mask.png",
        "benign/benign (100).png": ("benign/benign (100)_mask.png", "benign/benign (100)_mask_1.png"),
        "malignant/malignant (1).png": "malignant/malignant (1)_mask.png",
        "malignant/malignant (53).png": (
            "malignant/malignant (53)_mask.png",
            "malignant/malignant (53)_mask_1.png",
            "malignant/malignant (53)_mask_2.png",
        ),
        "normal/normal (1).png": "normal/normal (1)_mask.png",
    }
    return Layout("BUSI", pairs, empty=("normal/normal (1)_mask.png",))


def nnunet() -> Layout:
    cases = ("BRATS_001", "BRATS_002", "case_7")
    return Layout(
        "nnU-Net",
        {f"Dataset120_Roads/imagesTr/{c}_0000.png": f"Dataset120_Roads/labelsTr/{c}.png" for c in cases}
        | {"Dataset120_Roads/imagesTs/BRATS_009_0000.png": "Dataset120_Roads/labelsTs/BRATS_009.png"},
        {f"Dataset120_Roads/imagesTr/{c}_0000.png": "train" for c in cases}
        | {"Dataset120_Roads/imagesTs/BRATS_009_0000.png": "test"},
        images={"Dataset120_Roads/imagesTr/BRATS_001_0001.png": "another channel of the image"},
        texts=("Dataset120_Roads/dataset.json",),
    )


def voc() -> Layout:
    ids = ("2007_000032", "2007_000033", "2011_003276")
    return Layout(
        "VOC",
        {f"VOC2012/JPEGImages/{i}.jpg": f"VOC2012/SegmentationClass/{i}.png" for i in ids},
        skipped={f"VOC2012/SegmentationObject/{i}.png": "numbered objects, not classes" for i in ids},
        images={"VOC2012/JPEGImages/2008_000001.jpg": "an image without a mask"},
        texts=("VOC2012/ImageSets/Segmentation/train.txt", "VOC2012/Annotations/2007_000032.xml"),
    )


def nuclei() -> Layout:
    ids = ("00ae65c1c6631ae6", "0121d6759c5adb29", "ffc6cd1b3ec3c7a9")
    masks = ("07a9bf1d", "0e548d0a", "1f1a2b3c")
    return Layout(
        "one mask per nucleus",
        {
            f"stage1_train/{i}/images/{i}.png": tuple(f"stage1_train/{i}/masks/{m}{i[:4]}.png" for m in masks)
            for i in ids
        },
        dict.fromkeys((f"stage1_train/{i}/images/{i}.png" for i in ids), "train"),
    )


def polyp_and_lung() -> Layout:
    pairs, split = in_splits(
        "{s}/Doctor-label/Imgs/{id}.jpg",
        "{s}/Doctor-label/GT/{id}.png",
        {"TrainingSet/LungInfection-Train": "train", "TestingSet/LungInfection-Test": "test"},
    )
    edges = {image.replace("Imgs", "Edge").replace(".jpg", ".png"): "an edge map" for image in pairs}
    priors = {image.replace("Imgs", "Prior").replace(".jpg", ".png"): "a prior, not the mask" for image in pairs}
    numbered = {
        image.replace("Imgs", "GT-1").replace(".jpg", ".png"): "a numbered variant of the mask" for image in pairs
    }
    return Layout("TrainingSet|TestingSet", pairs, split, {**edges, **priors, **numbered})


def split_layout(name: str, pattern: str, mask_pattern: str, splits: Mapping[str, str] = USUAL_SPLITS) -> Layout:
    return Layout(name, *in_splits(pattern, mask_pattern, splits))


def flat(name: str, image: str, mask: str, ids: tuple[str, ...] = ("001", "002", "010")) -> Layout:
    return Layout(name, {image.format(i): mask.format(i) for i in ids})


def mvtec() -> Layout:
    pairs: dict[str, Masks] = {
        f"grid/test/{kind}/{i}.png": f"grid/ground_truth/{kind}/{i}_mask.png"
        for kind in ("bent", "broken")
        for i in ("000", "001", "002")
    }
    good = {f"grid/{split}/good/{i}.png": None for split in ("train", "test") for i in ("000", "001")}
    reasons = {path: "part of no pair" if "/train/" in path else "an image without a mask" for path in good}
    return Layout("MVTec", pairs, dict.fromkeys(pairs, "test"), images=reasons)


def cityscapes() -> Layout:
    names = {"aachen_000000_000019": "train", "aachen_000001_000019": "train", "lindau_000000_000885": "val"}
    pairs: dict[str, Masks] = {}
    split, skipped, coloured = {}, {}, {}
    for name, part in names.items():
        city = name.partition("_")[0]
        image, mask = f"leftImg8bit/{part}/{city}/{name}_leftImg8bit.png", f"gtFine/{part}/{city}/{name}_gtFine_"
        pairs[image], split[image] = mask + "labelIds.png", part
        skipped[mask + "instanceIds.png"] = "numbered objects, not classes"
        coloured[mask + "color.png"] = "a preview"
    return Layout("Cityscapes", pairs, split, skipped, coloured)


def cell_tracking() -> Layout:
    frames = [(sequence, frame) for sequence in ("01", "02") for frame in ("000", "001", "017")]
    return Layout(
        "Cell Tracking Challenge",
        {f"{s}/t{f}.tif": f"{s}_GT/SEG/man_seg{f}.tif" for s, f in frames},
        skipped={f"{s}_GT/TRA/man_track{f}.tif": "a mask without an image" for s, f in frames},
    )


def names_with_splits(name: str, image: str, mask: str, splits: Mapping[str, str] = USUAL_SPLITS) -> Layout:
    """The split stands in the names, where the same numbers come back in each."""
    pairs: dict[str, Masks] = {}
    split = {}
    for word, part in splits.items():
        for number in ("001", "002", "010"):
            path = image.format(s=word, id=number)
            pairs[path], split[path] = mask.format(s=word, id=number), part
    return Layout(name, pairs, split)


def two_spellings() -> Layout:
    """One letter composed in the images' names, in two pieces in some of the masks'."""
    stems = [f"M\u00fcller_{number}" for number in (1, 2, 3)]
    return Layout(
        "composed and decomposed letters",
        {f"images/{s}.png": f"masks/{unicodedata.normalize('NFD', s) if s[-1] == '2' else s}.png" for s in stems},
    )


LETTERED = {"trainA": "train", "testA": "test", "testB": "test"}

LAYOUTS = [
    siblings("images", "masks"),
    siblings("image", "label", ".JPG"),
    siblings("Imgs", "GT", ".jpg"),
    siblings("images", "labels", ".tif", ".tif"),
    siblings("Original", "Ground Truth", ".tif", ".tif"),
    siblings("img", "ann"),
    siblings("input", "target"),
    siblings("images", "manual"),
    siblings("photos_x", "drawn"),
    siblings("Röntgen Bilder", "Маски"),
    siblings("data/images", "data/masks", ".bmp", ".gif"),
    drive(),
    stare("stare-images/", "labels-ah/", "labels-vk/"),
    stare("", "", ""),
    chase(),
    hrf(),
    isic(),
    ph2(),
    busi(),
    nnunet(),
    voc(),
    nuclei(),
    polyp_and_lung(),
    split_layout("CamVid", "{s}/{id}.png", "{s}annot/{id}.png"),
    split_layout("test_images|test_masks", "{s}_images/{id}.png", "{s}_masks/{id}.png"),
    split_layout("train/images|masks", "{s}/images/{id}.png", "{s}/masks/{id}.png"),
    split_layout("images/train, labels/train", "images/{s}/{id}.jpg", "labels/{s}/{id}.png"),
    split_layout("Carvana", "{s}/{id}.jpg", "{s}_masks/{id}_mask.gif"),
    split_layout("training|test", "{s}/image/{id}.png", "{s}/mask/{id}.png", {"training": "train", "test": "test"}),
    flat("fram|mask", "{}_fram.jpg", "{}_mask.png"),
    flat("AVmanual", "images/{}_dr.JPG", "labels/{}_dr_AVmanual.png"),
    flat("AVmanual in one folder", "{}.png", "{}_AVmanual.png"),
    flat("segmentation in one folder", "{}.jpg", "{}_segmentation.png", ("ISIC_0000000", "ISIC_0000001", "ISIC_9")),
    flat("other extension", "{}.bmp", "{}.png"),
    flat("prefixes", "image_{}.png", "mask_{}.png"),
    flat("prefixes in folders", "images/image_{}.png", "masks/mask_{}.png"),
    flat("sample folders", "{0}/image.png", "{0}/mask.png", ("patient7", "patient8", "patient31")),
    flat("sample folders with names", "{0}/{0}.jpg", "{0}/{0}_mask.png", ("P-7", "P-8", "P-31")),
    flat("spaces and umlauts", "Bilder images/Fall {} (ü).PNG", "Bilder masks/Fall {} (ü).PNG"),
    flat("unknown suffix", "images/{}_abc.png", "masks/{}_xyz.png", ("case1", "case2", "case33")),
    flat("satellite", "{}_sat.jpg", "{}_mask.png", ("104", "119", "998002")),
    mvtec(),
    cityscapes(),
    cell_tracking(),
    flat("Pets", "images/{}.jpg", "annotations/trimaps/{}.png", ("Abyssinian_1", "beagle_12", "pug_3")),
    flat("QuPath", "tiles/{}.jpg", "tiles/{}-labelled.png", ("s [x=0,y=0]", "s [x=64,y=0]", "s [x=128,y=0]")),
    names_with_splits("splits before", "images/{s}_{id}.png", "masks/{s}_{id}.png"),
    names_with_splits("splits before, one folder", "{s}_{id}.png", "{s}_{id}_mask.png"),
    names_with_splits("splits behind", "images/{id}_{s}.png", "masks/{id}_{s}.png"),
    names_with_splits("GlaS", "{s}_{id}.bmp", "{s}_{id}_anno.bmp", LETTERED),
    two_spellings(),
    flat("words of one's own", "{}.jpg", "{}_outlined.png"),
    flat("words of one's own in front", "{}.png", "drawn-{}.png"),
    flat("words of one's own in two folders", "fotos/{}.jpg", "gezeichnet/{}_umriss.png"),
    flat("trees of one's own", "fotos/{}/bild.png", "umrisse/{}/bild.png", ("klinik a/1", "klinik a/2", "klinik b/1")),
    flat("humps for words", "{}Image.png", "{}Mask.png", ("a1", "b2", "c3")),
    flat("letters for words", "x_{}.png", "y_{}.png"),
    flat("letters in two folders", "in/{}_A.png", "out/deep/B_{}.png"),
    flat(
        "CamVid, one folder each",
        "701_StillsRaw_full/{}.png",
        "LabeledApproved_full/{}_L.png",
        ("6_10", "6_20", "f_30"),
    ),
]
# Names that differ by more than a new name could show: numbers with and without leading zeros.
PADDED = flat("numbers", "images/{}.png", "masks/{}.png", ("1", "2", "13"))
