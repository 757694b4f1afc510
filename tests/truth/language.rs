//! The words of a language: column titles and contents of cells. Languages whose titles the rules don't know have
//! English titles.

use super::list::Field;

#[derive(Debug, PartialEq)]
pub struct Language {
    pub name: &'static str,
    pub decimal: char,
    headers: &'static Headers,
    pub items: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub warehouses: &'static [&'static str],
    pub suppliers: &'static [&'static str],
    pub yes_no: (&'static str, &'static str),
    /// The encoding in which Excel saves text in this language, by its WHATWG name.
    pub encoding: &'static str,
}

impl Language {
    pub fn headers(&self, field: Field) -> &'static [&'static str] {
        self.headers[field as usize]
    }
}

type Headers = [&'static [&'static str]; Field::ALL.len()];

const ENGLISH_HEADERS: Headers = [
    &["SKU", "Item no", "Item number", "Product code", "Part number"],
    &["Name", "Item name", "Product name", "Description"],
    &["Quantity", "Qty", "On hand", "Quantity on hand", "Stock"],
    &["Unit price", "Price", "Price each", "Sales price"],
    &["Category", "Product category", "Item group"],
    &["Warehouse", "Location code", "Storage location", "Warehouse name"],
    &["Supplier", "Vendor", "Supplier name"],
    &["Last counted", "Count date", "Counted on"],
    &["Discontinued", "Phased out", "Inactive"],
];
const GERMAN_HEADERS: Headers = [
    &["Artikelnummer", "Artikel-Nr", "Art.-Nr.", "Materialnummer"],
    &["Bezeichnung", "Artikelbezeichnung", "Produktname"],
    &["Menge", "Bestand", "Lagerbestand", "Stückzahl"],
    &["Preis", "Einzelpreis", "Verkaufspreis", "Stückpreis"],
    &["Warengruppe", "Kategorie", "Artikelgruppe"],
    &["Lager", "Lagerort"],
    &["Lieferant", "Hauptlieferant"],
    &["Letzte Inventur", "Gezählt am", "Zähldatum"],
    &["Auslaufartikel", "Abgekündigt", "Inaktiv"],
];
const FRENCH_HEADERS: Headers = [
    &["Référence", "Code article", "Référence article"],
    &["Désignation", "Libellé", "Nom du produit"],
    &["Quantité", "Qté", "Quantité en stock"],
    &["Prix unitaire", "Prix de vente", "Prix"],
    &["Catégorie", "Famille"],
    &["Entrepôt", "Dépôt"],
    &["Fournisseur", "Nom du fournisseur"],
    &["Dernier inventaire", "Date de comptage"],
    &["Arrêté", "Fin de série"],
];
const SPANISH_HEADERS: Headers = [
    &["Código", "Referencia"],
    &["Nombre", "Denominación", "Nombre del producto"],
    &["Cantidad", "Existencias"],
    &["Precio", "Precio unitario", "PVP"],
    &["Categoría", "Familia"],
    &["Almacén", "Bodega"],
    &["Proveedor", "Nombre del proveedor"],
    &["Último recuento", "Fecha de conteo"],
    &["Descatalogado", "Obsoleto"],
];

pub const ENGLISH: Language = Language {
    name: "English",
    decimal: '.',
    headers: &ENGLISH_HEADERS,
    items: &["Bolt", "Hex nut", "Pipe clamp", "Washer", "Hinge", "Ball valve", "Cable tie", "Café table", "Gasket"],
    categories: &["Fasteners", "Plumbing", "Hardware", "Furniture"],
    warehouses: &["York", "Leeds", "North Hall"],
    suppliers: &["Calder Tools", "Smith & Sons", "Ember Fuel Ltd."],
    yes_no: ("yes", "no"),
    encoding: "windows-1252",
};
pub const GERMAN: Language = Language {
    name: "German",
    decimal: ',',
    headers: &GERMAN_HEADERS,
    items: &["Schlüssel", "Dübel", "Schraube", "Kugelhahn", "Öse", "Maßband", "Türgriff", "Säge", "Unterlegscheibe"],
    categories: &["Befestigung", "Werkzeug", "Beschläge", "Sanitär"],
    warehouses: &["Köln", "Nürnberg", "Halle Süd"],
    suppliers: &["Müller GmbH", "Weiß & Söhne", "Becker KG"],
    yes_no: ("ja", "nein"),
    encoding: "windows-1252",
};
pub const FRENCH: Language = Language {
    name: "French",
    decimal: ',',
    headers: &FRENCH_HEADERS,
    items: &["Écrou", "Clé à molette", "Poignée", "Vis à tête plate", "Robinet", "Boîtier", "Charnière", "Câble"],
    categories: &["Quincaillerie", "Électricité", "Plomberie"],
    warehouses: &["Orléans", "Besançon", "Nîmes"],
    suppliers: &["Société Générale d'Outils", "Frères Lefèvre", "Dépôt Bâti"],
    yes_no: ("oui", "non"),
    encoding: "windows-1252",
};
pub const SPANISH: Language = Language {
    name: "Spanish",
    decimal: ',',
    headers: &SPANISH_HEADERS,
    items: &["Tornillo", "Bisagra", "Válvula", "Grifo", "Muñón", "Tubería", "Cañería", "Llave", "Arandela"],
    categories: &["Ferretería", "Fontanería", "Jardín"],
    warehouses: &["Málaga", "León", "Almería"],
    suppliers: &["Peña e Hijos", "Hernández", "Suministros Ibáñez"],
    yes_no: ("sí", "no"),
    encoding: "windows-1252",
};
pub const POLISH: Language = Language {
    name: "Polish",
    decimal: ',',
    headers: &ENGLISH_HEADERS,
    items: &[
        "Śruba",
        "Nakrętka",
        "Żarówka",
        "Łożysko",
        "Wąż",
        "Podkładka",
        "Zawór",
        "Uchwyt meblowy",
        "Źródło światła",
    ],
    categories: &["Narzędzia", "Łączniki", "Oświetlenie"],
    warehouses: &["Łódź", "Kraków", "Wrocław"],
    suppliers: &["Śląska Hurtownia", "Zakład Żelazny", "Jabłoński"],
    yes_no: ("yes", "no"),
    encoding: "windows-1250",
};
pub const RUSSIAN: Language = Language {
    name: "Russian",
    decimal: ',',
    headers: &ENGLISH_HEADERS,
    items: &["Болт", "Гайка", "Шайба", "Ключ разводной", "Кран шаровой", "Петля", "Хомут", "Уплотнитель"],
    categories: &["Крепёж", "Инструмент", "Сантехника"],
    warehouses: &["Москва", "Тверь", "Склад № 2"],
    suppliers: &["ООО Металлист", "Завод Звезда", "Иванов и сыновья"],
    yes_no: ("yes", "no"),
    encoding: "windows-1251",
};
pub const GREEK: Language = Language {
    name: "Greek",
    decimal: ',',
    headers: &ENGLISH_HEADERS,
    items: &["Βίδα", "Παξιμάδι", "Ροδέλα", "Κλειδί", "Σωλήνας", "Μεντεσές", "Βαλβίδα", "Καλώδιο"],
    categories: &["Εργαλεία", "Υδραυλικά", "Ηλεκτρικά"],
    warehouses: &["Αθήνα", "Πάτρα", "Βόλος"],
    suppliers: &["Παπαδόπουλος ΑΕ", "Εργαλεία Βορρά", "Αφοί Γεωργίου"],
    yes_no: ("yes", "no"),
    encoding: "windows-1253",
};
pub const TURKISH: Language = Language {
    name: "Turkish",
    decimal: ',',
    headers: &ENGLISH_HEADERS,
    items: &["Cıvata", "Somun", "Çelik boru", "Şerit metre", "Conta", "Menteşe", "Sürgü", "Vana", "İngiliz anahtarı"],
    categories: &["Bağlantı", "Tesisat", "Hırdavat"],
    warehouses: &["İzmir", "Muğla", "Eskişehir"],
    suppliers: &["Yıldız Çelik", "Öztürk Ticaret", "Güneş Yapı"],
    yes_no: ("yes", "no"),
    encoding: "windows-1254",
};
pub const JAPANESE: Language = Language {
    name: "Japanese",
    decimal: '.',
    headers: &ENGLISH_HEADERS,
    items: &["六角ボルト", "ナット", "ワッシャー", "蝶番", "配管クランプ", "電気ケーブル", "作業手袋", "工具箱"],
    categories: &["工具", "配管部品", "電気部品"],
    warehouses: &["東京", "大阪", "名古屋倉庫"],
    suppliers: &["山田製作所", "鈴木商店", "株式会社日東"],
    yes_no: ("yes", "no"),
    encoding: "shift_jis",
};
pub const CHINESE: Language = Language {
    name: "Chinese",
    decimal: '.',
    headers: &ENGLISH_HEADERS,
    items: &["六角螺栓", "螺母", "垫圈", "管道夹具", "球阀", "电缆扎带", "工具箱", "不锈钢合页"],
    categories: &["紧固件", "管件", "电气设备"],
    warehouses: &["上海", "广州", "北京仓库"],
    suppliers: &["华东五金厂", "长城工具公司", "海天贸易"],
    yes_no: ("yes", "no"),
    encoding: "gb18030",
};
pub const TAIWANESE: Language = Language {
    name: "Taiwanese",
    decimal: '.',
    headers: &ENGLISH_HEADERS,
    items: &["六角螺栓", "螺帽", "墊圈", "管路夾具", "球閥", "電纜束帶", "工具箱", "不鏽鋼鉸鏈"],
    categories: &["緊固件", "管件", "電氣設備"],
    warehouses: &["臺北", "高雄", "臺中倉庫"],
    suppliers: &["華新五金", "長榮工具行", "聯合貿易"],
    yes_no: ("yes", "no"),
    encoding: "big5",
};
pub const KOREAN: Language = Language {
    name: "Korean",
    decimal: '.',
    headers: &ENGLISH_HEADERS,
    items: &["육각볼트", "너트", "와셔", "경첩", "배관 클램프", "볼밸브", "케이블 타이", "공구함"],
    categories: &["체결부품", "배관", "전기"],
    warehouses: &["서울", "부산", "대구창고"],
    suppliers: &["한국공구", "대한철물", "동방상사"],
    yes_no: ("yes", "no"),
    encoding: "euc-kr",
};

/// The languages whose column titles are in the shipped rules.
pub const COMMON: [&Language; 4] = [&ENGLISH, &GERMAN, &FRENCH, &SPANISH];
pub const OTHERS: [&Language; 8] = [&POLISH, &RUSSIAN, &GREEK, &TURKISH, &JAPANESE, &CHINESE, &TAIWANESE, &KOREAN];
