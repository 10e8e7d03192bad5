"""Capitals and other small facts.

A fact that was never trained cannot be answered by a model of this size, so every fact is in the training split; what
is held out here is the PHRASING: each kind of fact has wordings that only held-out items use.
"""

import random

from training.corpus.item import HELD_OUT, TRAIN, Item, reworded, usual

_CAPITALS = (
    """
Afghanistan:Kabul|Albania:Tirana|Algeria:Algiers|Angola:Luanda|Argentina:Buenos Aires|Armenia:Yerevan
Australia:Canberra|Austria:Vienna|Azerbaijan:Baku|Bahamas:Nassau|Bahrain:Manama|Bangladesh:Dhaka|Barbados:Bridgetown
Belarus:Minsk|Belgium:Brussels|Belize:Belmopan|Bhutan:Thimphu|Bosnia:Sarajevo|Botswana:Gaborone|Brazil:Brasilia
Bulgaria:Sofia|Burundi:Gitega|Cambodia:Phnom Penh|Cameroon:Yaounde|Canada:Ottawa|Chad:N'Djamena|Chile:Santiago
China:Beijing|Colombia:Bogota|Congo:Kinshasa|Costa Rica:San Jose|Croatia:Zagreb|Cuba:Havana|Cyprus:Nicosia
Denmark:Copenhagen|Djibouti:Djibouti|Ecuador:Quito|Egypt:Cairo|El Salvador:San Salvador|England:London|Eritrea:Asmara
Estonia:Tallinn|Ethiopia:Addis Ababa|Fiji:Suva|Finland:Helsinki|France:Paris|Gabon:Libreville|Gambia:Banjul
Georgia:Tbilisi|Germany:Berlin|Ghana:Accra|Greece:Athens|Grenada:Saint George's|Guatemala:Guatemala City|Guinea:Conakry
Guyana:Georgetown|Haiti:Port-au-Prince|Honduras:Tegucigalpa|Hungary:Budapest|Iceland:Reykjavik|India:New Delhi
Indonesia:Jakarta|Iran:Tehran|Iraq:Baghdad|Ireland:Dublin|Israel:Jerusalem|Italy:Rome|Jamaica:Kingston|Japan:Tokyo
Jordan:Amman|Kazakhstan:Astana|Kenya:Nairobi|Kuwait:Kuwait City|Kyrgyzstan:Bishkek|Laos:Vientiane|Latvia:Riga
Lebanon:Beirut|Lesotho:Maseru|Liberia:Monrovia|Libya:Tripoli|Liechtenstein:Vaduz|Lithuania:Vilnius
Luxembourg:Luxembourg|Madagascar:Antananarivo|Malawi:Lilongwe|Malaysia:Kuala Lumpur|Maldives:Male|Mali:Bamako
Malta:Valletta|Mauritania:Nouakchott|Mauritius:Port Louis|Mexico:Mexico City|Moldova:Chisinau|Monaco:Monaco
Mongolia:Ulaanbaatar|Montenegro:Podgorica|Morocco:Rabat|Mozambique:Maputo|Myanmar:Naypyidaw|Namibia:Windhoek
Nepal:Kathmandu|Netherlands:Amsterdam|New Zealand:Wellington|Nicaragua:Managua|Niger:Niamey|Nigeria:Abuja
North Korea:Pyongyang|Norway:Oslo|Oman:Muscat|Pakistan:Islamabad|Panama:Panama City|Paraguay:Asuncion|Peru:Lima
Philippines:Manila|Poland:Warsaw|Portugal:Lisbon|Qatar:Doha|Romania:Bucharest|Russia:Moscow|Rwanda:Kigali|Samoa:Apia
Saudi Arabia:Riyadh|Scotland:Edinburgh|Senegal:Dakar|Serbia:Belgrade|Sierra Leone:Freetown|Singapore:Singapore
Slovakia:Bratislava|Slovenia:Ljubljana|Somalia:Mogadishu|South Korea:Seoul|Spain:Madrid|Sudan:Khartoum
Suriname:Paramaribo|Sweden:Stockholm|Switzerland:Bern|Syria:Damascus|Taiwan:Taipei|Tajikistan:Dushanbe
Tanzania:Dodoma|Thailand:Bangkok|Togo:Lome|Tonga:Nuku'alofa|Tunisia:Tunis|Turkey:Ankara|Turkmenistan:Ashgabat
Uganda:Kampala|Ukraine:Kyiv|Uruguay:Montevideo|Uzbekistan:Tashkent|Venezuela:Caracas|Vietnam:Hanoi|Wales:Cardiff
Yemen:Sanaa|Zambia:Lusaka|Zimbabwe:Harare
""".strip()
    .replace("\n", "|")
    .split("|")
)
CAPITALS = {country: capital for country, capital in (entry.split(":") for entry in _CAPITALS)}
# Asked about far more often by visitors, so drawn more often.
WELL_KNOWN = (
    "France",
    "Germany",
    "Spain",
    "Italy",
    "England",
    "Japan",
    "China",
    "India",
    "Russia",
    "Canada",
    "Brazil",
    "Egypt",
    "Australia",
    "Greece",
    "Portugal",
    "Poland",
    "Austria",
    "Switzerland",
    "Sweden",
    "Norway",
    "Finland",
    "Denmark",
    "Netherlands",
    "Belgium",
    "Ireland",
    "Mexico",
    "Argentina",
    "Turkey",
    "South Korea",
    "Thailand",
    "Vietnam",
    "Hungary",
    "Ukraine",
    "Kenya",
    "Peru",
    "Chile",
    "Cuba",
    "Iran",
    "Iraq",
    "Israel",
)
# Countries whose English name takes an article.
ARTICLE = ("Bahamas", "Congo", "Gambia", "Maldives", "Netherlands", "Philippines")
SYMBOLS = {
    "hydrogen": "H",
    "helium": "He",
    "carbon": "C",
    "nitrogen": "N",
    "oxygen": "O",
    "sodium": "Na",
    "magnesium": "Mg",
    "aluminium": "Al",
    "silicon": "Si",
    "sulfur": "S",
    "chlorine": "Cl",
    "potassium": "K",
    "calcium": "Ca",
    "iron": "Fe",
    "copper": "Cu",
    "zinc": "Zn",
    "silver": "Ag",
    "tin": "Sn",
    "gold": "Au",
    "mercury": "Hg",
    "lead": "Pb",
    "neon": "Ne",
    "nickel": "Ni",
    "lithium": "Li",
    "uranium": "U",
}
YOUNG = {
    "dog": "puppy",
    "cat": "kitten",
    "cow": "calf",
    "horse": "foal",
    "sheep": "lamb",
    "pig": "piglet",
    "hen": "chick",
    "duck": "duckling",
    "goat": "kid",
    "lion": "cub",
    "bear": "cub",
    "frog": "tadpole",
    "goose": "gosling",
    "swan": "cygnet",
    "deer": "fawn",
    "kangaroo": "joey",
    "owl": "owlet",
    "fox": "cub",
    "elephant": "calf",
    "wolf": "pup",
}
SOUNDS = {
    "dog": "woof",
    "cat": "meow",
    "cow": "moo",
    "sheep": "baa",
    "pig": "oink",
    "duck": "quack",
    "horse": "neigh",
    "rooster": "cock-a-doodle-doo",
    "lion": "roar",
    "mouse": "squeak",
    "snake": "hiss",
    "bee": "buzz",
    "frog": "ribbit",
    "owl": "hoot",
    "wolf": "howl",
    "crow": "caw",
}
_OPPOSITE_PAIRS = (
    """
hot:cold|big:small|fast:slow|up:down|left:right|day:night|black:white|old:new|happy:sad|open:closed|high:low|hard:soft
early:late|wet:dry|rich:poor|strong:weak|full:empty|light:dark|long:short|near:far|good:bad|easy:difficult|loud:quiet
clean:dirty|thick:thin|true:false|first:last|always:never|inside:outside|win:lose|push:pull|buy:sell|love:hate
sweet:sour|brave:afraid|deep:shallow|wide:narrow|north:south|east:west
""".strip()
    .replace("\n", "|")
    .split("|")
)
OPPOSITES = {a: b for pair in _OPPOSITE_PAIRS for a, b in (pair.split(":"), pair.split(":")[::-1])}
COUNTS = {
    "days are in a week": "7",
    "months are in a year": "12",
    "hours are in a day": "24",
    "minutes are in an hour": "60",
    "seconds are in a minute": "60",
    "legs does a spider have": "8",
    "legs does a dog have": "4",
    "legs does an ant have": "6",
    "sides does a triangle have": "3",
    "sides does a square have": "4",
    "letters are in the alphabet": "26",
    "wheels does a bicycle have": "2",
    "wheels does a car have": "4",
    "planets are in the solar system": "8",
    "seasons are in a year": "4",
    "colors are in the rainbow": "7",
    "sides does a hexagon have": "6",
    "fingers are on one hand": "5",
    "arms does an octopus have": "8",
    "cents are in a dollar": "100",
    "days are in a year": "365",
}
COLORS = {
    "the sky": "blue",
    "grass": "green",
    "snow": "white",
    "a banana": "yellow",
    "blood": "red",
    "coal": "black",
    "an orange": "orange",
    "chocolate": "brown",
    "a lemon": "yellow",
    "a tomato": "red",
    "milk": "white",
    "the sun": "yellow",
    "an elephant": "gray",
    "a flamingo": "pink",
    "a carrot": "orange",
    "a leaf": "green",
}
_CONTINENTS = {
    "Europe": "France Germany Spain Italy England Greece Portugal Poland Austria Switzerland Sweden Norway Finland "
    "Denmark Netherlands Belgium Ireland Hungary Ukraine",
    "Asia": "Japan China India Thailand Vietnam Iran Iraq Israel Mongolia Nepal",
    "Africa": "Egypt Kenya Nigeria Ghana Morocco Ethiopia Uganda Mali",
    "South America": "Brazil Argentina Peru Chile Bolivia Ecuador Colombia",
    "North America": "Canada Mexico Cuba Panama Jamaica",
}
CONTINENTS = {country: name for name, countries in _CONTINENTS.items() for country in countries.split()}
PAST = {
    verb: past
    for verb, past in (
        pair.split(":")
        for pair in (
            "go:went see:saw eat:ate run:ran take:took give:gave come:came find:found write:wrote sing:sang "
            "drink:drank swim:swam fly:flew buy:bought bring:brought think:thought catch:caught teach:taught "
            "sleep:slept keep:kept make:made say:said speak:spoke break:broke drive:drove ride:rode know:knew "
            "grow:grew begin:began fall:fell"
        ).split()
    )
}
PLURALS = {
    one: many
    for one, many in (
        pair.split(":")
        for pair in (
            "mouse:mice foot:feet tooth:teeth child:children man:men woman:women goose:geese sheep:sheep fish:fish "
            "leaf:leaves knife:knives wolf:wolves box:boxes baby:babies city:cities dog:dogs book:books bus:buses"
        ).split()
    )
}
CHAT = {
    "Hello": "Hello! Ask me a small question.",
    "Hi": "Hello! Ask me a small question.",
    "Who are you?": "I am a tiny diffusion language model.",
    "What are you?": "I am a tiny diffusion language model.",
    "What is your name?": "I am a tiny diffusion language model.",
    "How are you?": "I am fine, thank you.",
    "Thank you": "You are welcome.",
    "Thanks": "You are welcome.",
    "Bye": "Goodbye!",
    "Good morning": "Good morning!",
}

# kind -> (facts, article-aware subject?, training wordings, held-out wordings, answers, weight)
KINDS = {
    "capital": (
        CAPITALS,
        (
            "What is the capital of {x}?",
            "What is the capital city of {x}?",
            "Which city is the capital of {x}?",
            "Name the capital of {x}.",
            "Tell me the capital of {x}.",
            "Capital of {x}?",
            "What's the capital of {x}?",
            "The capital of {x} is?",
            "Do you know the capital of {x}?",
            "What city is the capital of {x}?",
            "{x}: what is its capital?",
            "Give me the capital of {x}.",
            "What capital does {x} have?",
            "I want to know the capital of {x}.",
            "Which city is {x}'s capital?",
            "Say the capital of {x}.",
        ),
        (
            "Can you tell me the capital of {x}?",
            "Name the capital city of {x}.",
            "What is {x}'s capital?",
            "Which is the capital of {x}?",
            "Please give the capital city of {x}.",
        ),
        ("The capital of {x} is {y}.", "The capital of {x} is {y}.", "{y} is the capital of {x}.", "It is {y}."),
        48,
    ),
    "symbol": (
        SYMBOLS,
        (
            "What is the chemical symbol for {x}?",
            "What is the symbol of {x}?",
            "Give the chemical symbol of {x}.",
            "Which chemical symbol does {x} have?",
            "Chemical symbol for {x}?",
            "What is the symbol for {x}?",
        ),
        ("Tell me the chemical symbol for {x}.", "What is the chemical symbol of {x}?"),
        ("The symbol for {x} is {y}.", "It is {y}."),
        8,
    ),
    "young": (
        YOUNG,
        (
            "What is a baby {x} called?",
            "What do you call a baby {x}?",
            "What is the young of a {x} called?",
            "What is a young {x} called?",
            "Name the baby of a {x}.",
            "What is the name of a baby {x}?",
        ),
        ("Tell me what a baby {x} is called.", "What do we call a young {x}?"),
        ("A baby {x} is called a {y}.", "It is called a {y}."),
        7,
    ),
    "sound": (
        SOUNDS,
        (
            "What sound does a {x} make?",
            "What does a {x} say?",
            "Which sound does a {x} make?",
            "How does a {x} sound?",
            "What noise does a {x} make?",
            "Tell me the sound of a {x}.",
        ),
        ("What is the sound of a {x}?", "Which noise does a {x} make?"),
        ("A {x} says {y}.", "It says {y}."),
        6,
    ),
    "opposite": (
        OPPOSITES,
        (
            "What is the opposite of {x}?",
            "What's the opposite of {x}?",
            "Name the opposite of {x}.",
            "Opposite of {x}?",
            "What word is the opposite of {x}?",
            "Give me the opposite of {x}.",
            "What is the contrary of {x}?",
            "Which word means the opposite of {x}?",
        ),
        ("Tell me the opposite of {x}.", "Which word is the opposite of {x}?"),
        ("The opposite of {x} is {y}.", "It is {y}."),
        10,
    ),
    "count": (
        COUNTS,
        (
            "How many {x}?",
            "How many {x}?",
            "Tell me how many {x}.",
            "Do you know how many {x}?",
        ),
        ("Can you say how many {x}?", "Say how many {x}."),
        ("{y}.", "The answer is {y}."),
        5,
    ),
    "color": (
        COLORS,
        (
            "What color is {x}?",
            "What is the color of {x}?",
            "Which color does {x} have?",
            "What colour is {x}?",
            "Tell me the color of {x}.",
        ),
        ("Which color is {x}?", "Name the color of {x}."),
        ("{x} is {y}.", "The color of {x} is {y}."),
        4,
    ),
    "continent": (
        CONTINENTS,
        (
            "On which continent is {x}?",
            "Which continent is {x} in?",
            "What continent is {x} in?",
            "{x} is on which continent?",
            "Name the continent of {x}.",
            "Where is {x}?",
        ),
        ("In which continent is {x}?", "Tell me the continent of {x}."),
        ("{x} is in {y}.", "It is in {y}."),
        6,
    ),
    "past": (
        PAST,
        (
            "What is the past tense of {x}?",
            "Past tense of {x}?",
            "Give the past tense of {x}.",
            "What's the past tense of {x}?",
            "Which word is the past tense of {x}?",
        ),
        ("Tell me the past tense of {x}.", "Name the past tense of {x}."),
        ("The past tense of {x} is {y}.", "It is {y}."),
        5,
    ),
    "plural": (
        PLURALS,
        (
            "What is the plural of {x}?",
            "Plural of {x}?",
            "Give the plural of {x}.",
            "What's the plural of {x}?",
            "What is more than one {x} called?",
        ),
        ("Tell me the plural of {x}.", "Name the plural of {x}."),
        ("The plural of {x} is {y}.", "It is {y}."),
        3,
    ),
    "chat": (CHAT, ("{x}", "{x}!"), (), ("{y}",), 2),
}


def draw(rng: random.Random) -> tuple[str, Item]:
    """One fact question and its split (train or held-out wording)."""
    kind = rng.choices(tuple(KINDS), [row[4] for row in KINDS.values()])[0]
    facts, train, held_out, answers, _ = KINDS[kind]
    split = HELD_OUT if held_out and rng.random() < 0.1 else TRAIN
    x = rng.choice(WELL_KNOWN) if kind == "capital" and rng.random() < 0.25 else rng.choice(tuple(facts))
    y = facts[x]
    wording = rng.choice(held_out if split == HELD_OUT else train)
    name = f"the {x}" if x in ARTICLE else x
    prompt = wording.format(x=name)
    prompt = f"{prompt[0].upper()}{prompt[1:]}"
    answer = usual(answers, rng.choice(answers), f"{prompt}{y}").format(x=name, y=y)
    answer = f"{answer[0].upper()}{answer[1:]}"
    prompt = prompt.replace(" a elephant", " an elephant").replace(" a owl", " an owl")
    answer = answer.replace("a elephant", "an elephant").replace("A owl", "An owl").replace("a owlet", "an owlet")
    if kind == "chat" and prompt.endswith("?!"):
        prompt = prompt[:-1]
    # The symbol questions stay case sensitive; everything else is compared without case.
    grader = ("phrase", y)
    return split, Item("facts", reworded(rng, prompt, polite=kind != "chat"), answer, grader)
