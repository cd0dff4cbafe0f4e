<?php
/**
 * Tells Parcours what happens in a PrestaShop shop (8 or 9): see docs/shops.md of Parcours.
 *
 * Copy the folder `parcours` into `modules/`, install the module, and write two lines into the
 * shop's config/defines_custom.inc.php:
 *   define('PARCOURS_URL', 'https://journeys.example.com');
 *   define('PARCOURS_SECRET', 'the value of PARCOURS_PRESTASHOP_SECRET, 32 characters or more');
 */
if (!defined('_PS_VERSION_')) {
    exit;
}

class Parcours extends Module
{
    private const HOOKS = ['actionCustomerAccountAdd', 'actionCustomerAccountUpdate',
        'actionValidateOrder', 'actionOrderStatusPostUpdate', 'actionCartSave',
        'actionObjectProductUpdateAfter', 'actionUpdateQuantity'];

    public function __construct()
    {
        $this->name = 'parcours';
        $this->version = '1.0.0';
        $this->ps_versions_compliancy = ['min' => '8.0', 'max' => _PS_VERSION_];
        parent::__construct();
        $this->displayName = 'Parcours';
        $this->description = 'Tells Parcours of customers, carts and orders.';
    }

    public function install()
    {
        return parent::install() && $this->registerHook(self::HOOKS);
    }

    public function hookActionCustomerAccountAdd($params)
    {
        $this->tell('actionCustomerAccountAdd', ['customer' => $this->customer($params['newCustomer'])]);
    }

    public function hookActionCustomerAccountUpdate($params)
    {
        $this->tell('actionCustomerAccountUpdate', ['customer' => $this->customer($params['customer'])]);
    }

    public function hookActionValidateOrder($params)
    {
        $this->tell('actionValidateOrder', [
            'customer' => $this->customer($params['customer']),
            'order' => $this->order($params['order']),
        ]);
    }

    public function hookActionOrderStatusPostUpdate($params)
    {
        $order = new Order((int) $params['id_order']);
        $state = $params['newOrderStatus'];
        $this->tell('actionOrderStatusPostUpdate', [
            'customer' => $this->customer(new Customer((int) $order->id_customer)),
            'order' => $this->order($order),
            // PrestaShop has flags for what a state means, but for these two: it names their ids.
            'state' => [
                'id_order_state' => (int) $state->id,
                'name' => is_array($state->name) ? reset($state->name) : $state->name,
                'paid' => (bool) $state->paid,
                'shipped' => (bool) $state->shipped,
                'delivered' => (int) $state->id === (int) Configuration::get('PS_OS_DELIVERED'),
                'canceled' => (int) $state->id === (int) Configuration::get('PS_OS_CANCELED'),
                'refunded' => (int) $state->id === (int) Configuration::get('PS_OS_REFUND'),
            ],
        ]);
    }

    /** Carts are saved often: only one with something in it, of somebody who is known, is told of. */
    public function hookActionCartSave($params)
    {
        $cart = $params['cart'] ?? $this->context->cart;
        if (!Validate::isLoadedObject($cart) || !$cart->id_customer || !$cart->nbProducts()) {
            return;
        }
        $lines = [];
        foreach ($cart->getProducts() as $line) {
            $lines[] = [
                'product_id' => (int) $line['id_product'],
                'product_attribute_id' => (int) $line['id_product_attribute'],
                'product_reference' => $line['reference'],
                'product_name' => $line['name'],
                'product_quantity' => (int) $line['cart_quantity'],
                'unit_price_tax_incl' => (float) $line['price_wt'],
            ];
        }
        $this->tell('actionCartSave', [
            'customer' => $this->customer(new Customer((int) $cart->id_customer)),
            'cart' => [
                'id_cart' => (int) $cart->id,
                'total' => (float) $cart->getOrderTotal(true),
                'currency' => (new Currency((int) $cart->id_currency))->iso_code,
                'url' => $this->context->link->getPageLink('cart', true, null, ['action' => 'show']),
                'date_upd' => $this->instant($cart->date_upd),
                'products' => $lines,
            ],
        ]);
    }

    public function hookActionObjectProductUpdateAfter($params)
    {
        $product = $params['object'];
        $language = (int) Configuration::get('PS_LANG_DEFAULT');
        $this->tell('actionObjectProductUpdateAfter', ['product' => [
            'id_product' => (int) $product->id,
            'reference' => $product->reference,
            'name' => is_array($product->name) ? $product->name[$language] : $product->name,
            'price' => Product::getPriceStatic((int) $product->id, true, null, 2),
            'currency' => Currency::getDefaultCurrency()->iso_code,
            'link' => $this->context->link->getProductLink($product),
            'active' => (bool) $product->active,
        ]]);
    }

    /** Of a product with combinations, PrestaShop tells of each; the reference is that combination's. */
    public function hookActionUpdateQuantity($params)
    {
        $one = (int) $params['id_product_attribute']
            ? new Combination((int) $params['id_product_attribute'])
            : new Product((int) $params['id_product']);
        $this->tell('actionUpdateQuantity', [
            'stock' => ['reference' => $one->reference, 'quantity' => (int) $params['quantity']],
        ]);
    }

    private function customer($customer)
    {
        return $this->pick($customer, ['email', 'firstname', 'lastname', 'birthday', 'company']) + [
            'id_customer' => (int) $customer->id,
            'language' => Language::getIsoById((int) $customer->id_lang),
            'newsletter' => (bool) $customer->newsletter,
            'newsletter_date_add' => $this->instant($customer->newsletter_date_add),
            'date_add' => $this->instant($customer->date_add),
            'date_upd' => $this->instant($customer->date_upd),
        ];
    }

    private function order($order)
    {
        $fields = ['reference', 'id_cart', 'total_paid', 'total_products_wt', 'total_shipping',
            'total_discounts', 'payment', 'current_state'];
        $lines = ['product_id', 'product_attribute_id', 'product_reference', 'product_name',
            'product_quantity', 'unit_price_tax_incl'];

        return $this->pick($order, $fields) + [
            'id_order' => (int) $order->id,
            'currency' => (new Currency((int) $order->id_currency))->iso_code,
            'date_add' => $this->instant($order->date_add),
            'date_upd' => $this->instant($order->date_upd),
            'products' => array_map(
                fn ($line) => array_intersect_key($line, array_flip($lines)),
                array_values($order->getProducts())
            ),
        ];
    }

    private function pick($object, array $fields)
    {
        return array_intersect_key(get_object_vars($object), array_flip($fields));
    }

    /** PrestaShop keeps local times without their zone. */
    private function instant($local)
    {
        return !$local || strpos($local, '0000') === 0 ? null : date('c', strtotime($local));
    }

    /** One attempt, two seconds: the shop never waits for Parcours, nor fails because of it. */
    private function tell($hook, array $parts)
    {
        if (!defined('PARCOURS_URL') || !defined('PARCOURS_SECRET')) {
            return;
        }
        $body = json_encode($parts + [
            'id' => bin2hex(random_bytes(16)),
            'hook' => $hook,
            'sent_at' => date('c'),
            'shop' => ['id_shop' => (int) $this->context->shop->id, 'domain' => $this->context->shop->domain],
        ]);
        $request = curl_init(rtrim(PARCOURS_URL, '/') . '/hooks/prestashop');
        curl_setopt_array($request, [
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 2,
            CURLOPT_HTTPHEADER => ['Content-Type: application/json',
                'X-PrestaShop-Hmac-Sha256: ' . hash_hmac('sha256', $body, PARCOURS_SECRET),
            ],
        ]);
        curl_exec($request);
        $status = (int) curl_getinfo($request, CURLINFO_RESPONSE_CODE);
        if ($status !== 200) {
            PrestaShopLogger::addLog("Parcours was not told of $hook ($status)", 2);
        }
    }
}
