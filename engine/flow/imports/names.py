"""What columns are usually called, in English and French, without accents and signs."""

from collections.abc import Mapping
from typing import Final

_IDS: Final = {
    "external_id": "external_id userid user_id customerid customer_id customer_number client_id "
    "id_client id_customer client numero_client no_client n_client n_de_client code_client id "
    "identifiant customer member_id",
    "anonymous_id": "anonymousid anonymous_id visitor_id visiteur",
    "id:loyalty_card": "loyalty_card loyalty_number card_number carte_fidelite carte_de_fidelite "
    "numero_carte no_carte n_carte",
}
_CUSTOMERS: Final = {
    **_IDS,
    "email": "email e_mail mail courriel email_address adresse_email adresse_mail adresse_e_mail",
    "phone": "phone telephone tel mobile portable gsm phone_number mobile_phone natel "
    "telephone_portable telephone_mobile numero_de_telephone",
    "locale": "locale language langue lang",
    "time_zone": "time_zone timezone fuseau fuseau_horaire",
    "trait:first_name": "first_name firstname prenom given_name",
    "trait:last_name": "last_name lastname nom nom_de_famille surname family_name",
    "trait:city": "city ville localite town",
    "trait:country": "country pays country_code code_pays",
    "trait:postal_code": "postal_code postcode zip zip_code code_postal npa cp",
    "trait:birthday": "birthday birth_date birthdate date_of_birth date_de_naissance naissance "
    "anniversaire",
    "trait:gender": "gender sexe genre",
    "trait:company": "company societe entreprise",
}
_EVENTS: Final = {
    **_IDS,
    "event": "event event_name eventname evenement nom_evenement action",
    "timestamp": "timestamp originaltimestamp date time datetime created_at occurred_at order_date "
    "date_commande date_de_commande date_achat date_d_achat date_heure horodatage purchase_date",
    "message_id": "messageid message_id event_id uuid",
    "property:order_id": "order_id orderid order order_number commande id_commande no_commande "
    "n_commande numero_commande numero_de_commande",
    "property:total": "total amount montant montant_total total_ttc montant_ttc order_total",
    "property:currency": "currency devise monnaie",
    "property:quantity": "quantity qty quantite qte",
    "property:price": "price prix unit_price prix_unitaire",
    "property:sku": "sku reference ref article code_article",
    "property:product_id": "product_id productid id_produit",
    "property:name": "product_name nom_produit produit designation",
    "property:category": "category categorie rayon",
    "property:coupon": "coupon code_promo promo_code bon",
    "property:store": "store shop magasin boutique filiale",
    "ignore": "type",
}


def _by_name(names: Mapping[str, str]) -> dict[str, str]:
    return {name: target for target, several in names.items() for name in several.split()}


ALIASES: Final = {"customers": _by_name(_CUSTOMERS), "events": _by_name(_EVENTS)}
"""By what the file is about, and the column's name: what the column is."""

SINGLE: Final = frozenset({"email", "phone"})
"""Targets that are traits, too."""
