//! Stock words in the encodings that spreadsheet programs use.

use super::*;

/// The lines of a list that contains these words.
fn lines(encoding: &'static Encoding, words: &[&str]) -> Vec<Vec<u8>> {
    let line = |(number, word): (usize, &&str)| {
        let (bytes, _, lost) = encoding.encode(word);
        assert!(!lost, "{word}");
        [format!("A-{number};").as_bytes(), &bytes, b";5;2,50\n"].concat()
    };
    words.iter().enumerate().map(line).collect()
}

fn found(lines: &[Vec<u8>]) -> Found {
    let mut evidence = Evidence::new();
    lines.iter().for_each(|line| evidence.take(line));
    evidence.decide()
}

const LISTS: &[(&Encoding, &[&str])] = &[
    (
        WINDOWS_1250,
        &[
            "Śruba M8",
            "Łańcuch",
            "Nakrętka sześciokątna",
            "Podkładka płaska",
            "Kołek rozporowy",
            "Wkręt do drewna",
            "Zawór kulowy",
            "Rura miedziana ćwierć",
            "Uszczelka żółta",
            "Taśma klejąca",
            "Klucz płaski",
            "Żarówka LED",
            "Gwóźdź",
            "Skrzynka narzędziowa z rączką",
            "Łożysko kulkowe",
        ],
    ),
    (
        WINDOWS_1250,
        &[
            "Šroub M8",
            "Matice šestihranná",
            "Podložka plochá",
            "Kolík",
            "Vrut do dřeva",
            "Ventil kulový",
            "Měděná trubka",
            "Těsnění žluté",
            "Lepicí páska",
            "Klíč plochý",
            "Žárovka",
            "Hřebík",
            "Bedna na nářadí",
            "Ložisko kuličkové",
        ],
    ),
    (
        WINDOWS_1250,
        &[
            "Csavar hatlapfejű",
            "Anya önzáró",
            "Alátét",
            "Tömítés sárga",
            "Szög",
            "Láncszem",
            "Golyóscsapágy",
            "Fűrészlap",
            "Kulcs készlet",
            "Égő",
            "Vörösréz cső",
        ],
    ),
    (
        WINDOWS_1251,
        &[
            "Болт М8",
            "Гайка шестигранная",
            "Шайба плоская",
            "Дюбель",
            "Саморез по дереву",
            "Кран шаровой",
            "Труба медная",
            "Прокладка жёлтая",
            "Лента клейкая",
            "Ключ гаечный",
            "Лампа",
            "Гвоздь",
        ],
    ),
    (
        WINDOWS_1252,
        &[
            "Schraube M8 größe",
            "Mutter für Schlüssel",
            "Unterlegscheibe groß",
            "Dübel",
            "Holzschraube verzinkt weiß",
            "Kugelhahn",
            "Kupferröhre",
            "Dichtung grün",
            "Klebeband über",
            "Gabelschlüssel",
            "Glühbirne",
            "Nägel",
            "Ölfilter",
        ],
    ),
    (
        WINDOWS_1252,
        &[
            "Vis à bois tête fraisée",
            "Écrou hexagonal",
            "Rondelle plate élastique",
            "Cheville à frapper",
            "Robinet à boisseau",
            "Tube de cuivre écroui",
            "Joint d'étanchéité",
            "Ruban adhésif côté",
            "Clé plate",
            "Ampoule à économie",
            "Clou à tête",
            "Boîte à outils",
            "Câble électrique gaîne",
            "Équerre",
        ],
    ),
    (
        WINDOWS_1252,
        &[
            "Tornillo cabeza ñ",
            "Tuerca española",
            "Arandela pequeña",
            "Caño",
            "Válvula de bola",
            "Tubería de cobre",
            "Junta tórica",
            "Cinta adhesiva señal",
            "Llave fija métrica",
            "Bombilla bajo consumo año",
            "Clavo galvanizado niño",
            "Martillo puño",
        ],
    ),
    (
        WINDOWS_1252,
        &[
            "Skrue 8 mm rød",
            "Møtrik",
            "Spændeskive",
            "Dyvel grå",
            "Kuglehane øl",
            "Kobberrør",
            "Pakning gul blå",
            "Tape stærk",
            "Skruenøgle",
            "Pære",
            "Søm",
            "Værktøjskasse",
            "Kæde",
        ],
    ),
    (
        WINDOWS_1252,
        &[
            "Parafuso cabeça",
            "Porca não",
            "Arruela lisa são",
            "Bucha de fixação",
            "Válvula de esfera",
            "Tubo de cobre latão",
            "Junta de vedação",
            "Fita adesiva proteção",
            "Chave fixa padrão",
            "Lâmpada",
            "Prego de aço",
        ],
    ),
    (
        WINDOWS_1253,
        &[
            "Παξιμάδι",
            "Βίδα",
            "Ροδέλα",
            "Βύσμα",
            "Βαλβίδα",
            "Χαλκοσωλήνας",
            "Τσιμούχα κίτρινη",
            "Ταινία",
            "Κλειδί",
            "Λάμπα",
            "Καρφί",
        ],
    ),
    (
        WINDOWS_1254,
        &[
            "şerit",
            "çivi",
            "Vida başlığı",
            "Somun altıgen",
            "Düz pul",
            "Dübel",
            "Ağaç vidası",
            "Küresel vana",
            "Bakır boru",
            "Conta sarı",
            "Yapışkan bant",
            "Açık ağızlı anahtar",
            "Işık ampulü",
            "İnce tel",
        ],
    ),
    (
        WINDOWS_1257,
        &[
            "Varžtas",
            "Veržlė šešiakampė",
            "Poveržlė",
            "Kaištis",
            "Medsraigtis",
            "Rutulinis čiaupas",
            "Varinis vamzdis",
            "Tarpinė geltona",
            "Lipni juosta",
            "Raktas plokščias",
            "Lemputė",
            "Vinis ilga ąsa",
        ],
    ),
    (
        SHIFT_JIS,
        &[
            "ボルト M8",
            "六角ナット",
            "平ワッシャー",
            "アンカー",
            "木ネジ",
            "ボールバルブ",
            "銅管",
            "ガスケット 黄",
            "接着テープ",
            "スパナ",
            "電球",
            "釘",
            "ソケット表",
        ],
    ),
    (
        GBK,
        &[
            "螺栓 M8",
            "六角螺母",
            "平垫圈",
            "膨胀管",
            "木螺钉",
            "球阀",
            "铜管",
            "密封垫 黄色",
            "胶带",
            "扳手",
            "灯泡",
            "钉子",
        ],
    ),
    (
        BIG5,
        &[
            "螺栓 M8",
            "六角螺帽",
            "平墊圈",
            "膨脹管",
            "木螺釘",
            "球閥",
            "銅管",
            "密封墊 黃色",
            "膠帶",
            "扳手",
            "燈泡",
            "釘子",
            "功能",
        ],
    ),
    (
        EUC_KR,
        &[
            "나사 M8",
            "육각 너트",
            "평와셔",
            "앵커",
            "목재 나사",
            "볼 밸브",
            "동관",
            "개스킷 노란색",
            "접착 테이프",
            "스패너",
            "전구",
            "못",
        ],
    ),
];

/// The text as it would be loaded; `None` if the encoding is unclear.
fn read(lines: &[Vec<u8>]) -> Option<String> {
    let text = lines.concat();
    let encoding = match found(lines) {
        Found::Alike => WINDOWS_1252,
        Found::Guessed(encoding) => encoding,
        Found::Unclear(_) => return None,
    };
    let read = encoding.decode_without_bom_handling(&text).0.into_owned();
    let mut scripts = EastAsian::default();
    read.chars().for_each(|c| scripts.note(c));
    scripts.fits(encoding).then_some(read)
}

#[test]
fn stock_words_of_many_languages_are_decoded_correctly() {
    for (encoding, words) in LISTS {
        let lines = lines(encoding, words);
        let right = encoding.decode_without_bom_handling(&lines.concat()).0.into_owned();
        assert_eq!(read(&lines).as_deref(), Some(&*right), "{} {}", encoding.name(), words[0]);
    }
}

#[test]
fn a_few_words_are_never_decoded_incorrectly() {
    for (encoding, words) in LISTS {
        let all: Vec<Vec<u8>> = lines(encoding, words).into_iter().filter(|line| !line.is_ascii()).collect();
        for seed in 0..12 {
            let mut random = fastrand::Rng::with_seed(seed);
            let few = 1 + random.usize(..6);
            let few: Vec<Vec<u8>> = (0..few).map(|_| all[random.usize(..all.len())].clone()).collect();
            let right = encoding.decode_without_bom_handling(&few.concat()).0.into_owned();
            if let Some(read) = read(&few) {
                assert_eq!(read, right, "{}", encoding.name());
            }
        }
    }
}

#[test]
fn characters_shared_by_all_encodings_need_no_guess() {
    for words in
        [&["Schlüssel"][..], &["Größe 5 €", "Füße"], &["£12.50"], &["20 °C", "M8×20"], &["Rohr Ø20"], &["5½\" pipe"]]
    {
        assert_eq!(found(&lines(WINDOWS_1252, words)), Found::Alike, "{words:?}");
    }
}

#[test]
fn ambiguous_text_is_unclear_and_lists_its_readings() {
    let unclear = |bytes: &[u8]| match found(&[bytes.to_vec()]) {
        Found::Unclear(words) => words,
        other => panic!("{other:?}"),
    };
    let words = unclear(b"A;M\xE6rke\n");
    assert!(words.contains(&"Mærke".to_string()) && words.contains(&"Mćrke".to_string()), "{words:?}");
    // DOS and classic Mac encodings, which are not supported.
    unclear(b"A;Gr\x94\xE1e\nB;L\x84nge\nC;M\x81ller\n");
    unclear(b"A;Gr\x9A\xA7e\nB;L\x8Ange\nC;M\x9Fller\nD;Caf\x8E\n");
    unclear(b"A;\xF8\n");
}

#[test]
fn letters_shared_by_two_languages_are_guessed_once_there_are_enough() {
    // In Windows-1250, French é and à are Slovak é and ŕ; Spanish ó and ñ are Polish ó and ń.
    let french: Vec<String> = (1..12).map(|i| format!("Clé à molette numéro {i}")).collect();
    let spanish = ["Tornillo pequeño", "Jamón", "Piña", "Año nuevo", "Paño", "Código", "Corazón", "Niño"];
    for words in [french.iter().map(String::as_str).collect::<Vec<_>>(), spanish.to_vec()] {
        assert_eq!(found(&lines(WINDOWS_1252, &words)), Found::Guessed(WINDOWS_1252), "{words:?}");
        assert!(matches!(found(&lines(WINDOWS_1252, &words[..2])), Found::Unclear(_)), "{words:?}");
    }
}

#[test]
fn symbols_without_letters_are_read_as_western() {
    for word in ["12,50 €", "Winkel 45°", "1½ Zoll", "Ø 12 mm", "5 m²", "100 % – neu"] {
        let list: Vec<String> = (1..20).map(|i| format!("{word};{i}")).collect();
        let words: Vec<&str> = list.iter().map(String::as_str).collect();
        let read = found(&lines(WINDOWS_1252, &words));
        assert!([Found::Alike, Found::Guessed(WINDOWS_1252)].contains(&read), "{word}: {read:?}");
    }
}
