"""The data's shelf names, made readable."""

import re
from typing import Final

UNKNOWN: Final = "Other"

_NAMES: Final = {
    "BEANS - CANNED GLASS & MW": "Canned beans",
    "CANDY - CHECKLANE": "Sweets at the till",
    "CANDY - PACKAGED": "Packaged sweets",
    "CONVENIENT BRKFST/WHLSM SNACKS": "Breakfast and wholesome snacks",
    "COUPON/MISC ITEMS": "Other items",
    "CRACKERS/MISC BKD FD": "Crackers",
    "DELI SPECIALTIES (RETAIL PK)": "Deli specialties",
    "DRY BN/VEG/POTATO/RICE": "Dried pulses, potatoes, rice",
    "FD WRAPS/BAGS/TRSH BG": "Food wraps and bags",
    "FLUID MILK PRODUCTS": "Milk",
    "FRZN JCE CONC/DRNKS": "Frozen juices",
    "FRZN MEAT/MEAT DINNERS": "Frozen meat dinners",
    "FRZN NOVELTIES/WTR ICE": "Ice lollies",
    "FRZN VEGETABLE/VEG DSH": "Frozen vegetables",
    "GREETING CARDS/WRAP/PARTY SPLY": "Cards and party supplies",
    "HAND/BODY/FACIAL PRODUCTS": "Skin care",
    "HISPANIC": "Hispanic food",
    "ICE CREAM/MILK/SHERBTS": "Ice cream",
    "MOLASSES/SYRUP/PANCAKE MIXS": "Syrup and pancake mixes",
    "NDAIRY/TEAS/JUICE/SOD": "Drinks",
    "PNT BTR/JELLY/JAMS": "Peanut butter and jams",
    "PWDR/CRYSTL DRNK MX": "Drink powders",
    "REFRGRATD JUICES/DRNKS": "Chilled juices",
    "SALD DRSNG/SNDWCH SPRD": "Salad dressings",
    "SNKS/CKYS/CRKR/CNDY": "Snacks and sweets",
    "SPORTS MEMORABLILIA": "Sports memorabilia",
    "WATER - CARBONATED/FLVRD DRINK": "Sparkling water",
}

_WORDS: Final = {
    "brkfst": "breakfast",
    "cleang": "cleaning",
    "disposible": "disposable",
    "dnr": "dinner",
    "frzn": "frozen",
    "hbc": "care products",
    "misc": "other",
    "mxs": "mixes",
    "pkg": "packaged",
    "pkgd": "packaged",
    "pkld": "pickled",
    "prod": "produce",
    "refrgratd": "chilled",
    "rw": "raw",
    "suppplies": "supplies",
    "sweetners": "sweeteners",
    "tiss": "tissues",
    "veg": "vegetables",
}


def readable(shelf: str | None) -> str:
    """Return the name of a shelf as a customer would read it: `SOFT DRINKS` is `Soft drinks`."""
    if not shelf:
        return UNKNOWN
    if shelf in _NAMES:
        return _NAMES[shelf]
    plain = re.sub(r"\s*(/|:|- | -|\. )\s*", ", ", shelf.lower()).replace("&", " and ")
    words = re.sub(r"[a-z]+", lambda word: _WORDS.get(word[0], word[0]), plain)
    words = " ".join(words.split()).strip(" ,.")
    return words[:1].upper() + words[1:]


def sku_of(category: str) -> str:
    """Return what the shop calls a category's product: `Dry noodles, pasta` is `dry-noodles-pasta`."""
    return re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")
