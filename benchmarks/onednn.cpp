// onednn: the rate of oneDNN's matrix products. Reads lines "mode M N K seconds"
// from standard input and answers each with "mode MxNxK median best microseconds",
// median and best in GOP/s (2·M·N·K operations), the median's time in
// microseconds. Threads: OMP_NUM_THREADS. With ONEDNN_RUNNER_IMPL set it also
// tells on standard error which implementation oneDNN chose.
//
// Weights lie as oneDNN likes best (format any), reordered before the clock
// starts. One element of each product is checked against a plain sum.
//
//	u8s8s32, s8s8s32      integers
//	u8s8u8_gelu           zero points of source and result, a scale per column,
//	                      bias, exact GELU, requantized
//	f32, bf16             bf16 gives f32
//	f32_gelu              bias and exact GELU
//	u8s8s32_qk, _pv       the attention products of 12 heads that lie side by
//	                      side in the rows of Q, K and V: Q·Kᵀ and P·V, nothing
//	                      packed beforehand; M, N, K are those of one head
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>

#include "measure.h"

using dnnl::memory;
using type = memory::data_type;

namespace {

enum batch { single, qk, pv };

struct mode {
	const char *name;
	type a, b, c;
	bool quantized, bias, gelu;
	batch heads;
};

const mode modes[] = {
    {"u8s8s32", type::u8, type::s8, type::s32, false, false, false, single},
    {"s8s8s32", type::s8, type::s8, type::s32, false, false, false, single},
    {"u8s8u8_gelu", type::u8, type::s8, type::u8, true, true, true, single},
    {"f32", type::f32, type::f32, type::f32, false, false, false, single},
    {"f32_gelu", type::f32, type::f32, type::f32, false, true, true, single},
    {"bf16", type::bf16, type::bf16, type::f32, false, false, false, single},
    {"u8s8s32_qk", type::u8, type::s8, type::s32, false, false, false, qk},
    {"u8s8s32_pv", type::u8, type::s8, type::s32, false, false, false, pv},
};

const float scale_a = 0.02f, scale_c = 0.05f;
const int zero_a = 7, zero_c = 3;

float scale_b(long column) { return 0.01f + 1e-6f * float(column); }

dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(cpu);

// Element i of a buffer of any type, as a number and from one.
double get(const memory &m, long i) {
	const void *p = m.get_data_handle();
	switch (m.get_desc().get_data_type()) {
	case type::u8: return static_cast<const uint8_t *>(p)[i];
	case type::s8: return static_cast<const int8_t *>(p)[i];
	case type::s32: return static_cast<const int32_t *>(p)[i];
	case type::bf16: {
		uint32_t bits = uint32_t(static_cast<const uint16_t *>(p)[i]) << 16;
		float f;
		memcpy(&f, &bits, sizeof f);
		return f;
	}
	default: return static_cast<const float *>(p)[i];
	}
}

void put(memory &m, long i, float x) {
	void *p = m.get_data_handle();
	switch (m.get_desc().get_data_type()) {
	case type::u8: static_cast<uint8_t *>(p)[i] = uint8_t(x); break;
	case type::s8: static_cast<int8_t *>(p)[i] = int8_t(x); break;
	case type::s32: static_cast<int32_t *>(p)[i] = int32_t(x); break;
	case type::bf16: {
		uint32_t bits;
		memcpy(&bits, &x, sizeof bits);
		static_cast<uint16_t *>(p)[i] = uint16_t(bits >> 16);
		break;
	}
	default: static_cast<float *>(p)[i] = x;
	}
}

// A matrix of small numbers that all types, bf16 too, hold exactly.
memory filled(const memory::desc &d, long n, uint32_t seed) {
	memory m(d, cpu);
	bool is_signed = d.get_data_type() != type::u8;
	float step = d.get_data_type() == type::f32 || d.get_data_type() == type::bf16 ? 1.f / 64 : 1;
	for (long i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		put(m, i, float(int(seed >> 26) - (is_signed ? 32 : 0)) * step);
	}
	return m;
}

memory one(type t, float x) {
	memory m({{1}, t, memory::format_tag::x}, cpu);
	put(m, 0, x);
	return m;
}

void call(void *f) { (*static_cast<std::function<void()> *>(f))(); }

void run(const mode &mode, long m, long n, long k, double seconds) {
	const long heads = mode.heads == single ? 1 : 12;
	// Strides of element (head, row, column).
	memory::dims sa{0, k, 1}, sb{0, n, 1}, sc{0, n, 1};
	if (mode.heads == qk)
		sa = {k, heads * k, 1}, sb = {k, 1, heads * k}, sc = {m * n, n, 1};
	if (mode.heads == pv)
		sa = {m * k, k, 1}, sb = {n, heads * n, 1}, sc = {n, heads * n, 1};
	auto describe = [&](long rows, long columns, type t, const memory::dims &s) {
		if (mode.heads == single)
			return memory::desc({rows, columns}, t, {s[1], s[2]});
		return memory::desc({heads, rows, columns}, t, s);
	};
	memory::desc a_desc = describe(m, k, mode.a, sa), b_plain = describe(k, n, mode.b, sb);
	memory::desc b_desc = b_plain, c_desc = describe(m, n, mode.c, sc);
	if (mode.heads == single)
		b_desc = memory::desc({k, n}, mode.b, memory::format_tag::any);

	dnnl::primitive_attr attr;
	if (mode.quantized) {
		attr.set_scales_mask(DNNL_ARG_SRC, 0);
		attr.set_scales_mask(DNNL_ARG_WEIGHTS, 2);
		attr.set_scales_mask(DNNL_ARG_DST, 0);
		attr.set_zero_points_mask(DNNL_ARG_SRC, 0);
		attr.set_zero_points_mask(DNNL_ARG_DST, 0);
	}
	if (mode.gelu) {
		dnnl::post_ops post;
		post.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0, 0);
		attr.set_post_ops(post);
	}
	memory::desc bias_desc({1, n}, type::f32, memory::format_tag::ab);
	auto chosen = mode.bias ? dnnl::matmul::primitive_desc(cpu, a_desc, b_desc, bias_desc, c_desc, attr)
	                        : dnnl::matmul::primitive_desc(cpu, a_desc, b_desc, c_desc, attr);
	if (getenv("ONEDNN_RUNNER_IMPL"))
		std::cerr << mode.name << ": " << chosen.impl_info_str() << "\n";

	memory a = filled(a_desc, heads * m * k, 1), b = filled(b_plain, heads * k * n, 2);
	memory bias = filled(bias_desc, n, 3), c(c_desc, cpu), packed(chosen.weights_desc(), cpu);
	dnnl::reorder(b, packed).execute(stream, b, packed);
	stream.wait();
	memory columns({{n}, type::f32, memory::format_tag::x}, cpu);
	for (long j = 0; j < n; j++)
		put(columns, j, scale_b(j));
	std::unordered_map<int, memory> arguments{
	    {DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DST, c}};
	if (mode.bias)
		arguments[DNNL_ARG_BIAS] = bias;
	if (mode.quantized) {
		arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = one(type::f32, scale_a);
		arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = columns;
		arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = one(type::f32, scale_c);
		arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC] = one(type::s32, zero_a);
		arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST] = one(type::s32, zero_c);
	}
	dnnl::matmul product(chosen);
	std::function<void()> f = [&] {
		product.execute(stream, arguments);
		stream.wait();
	};
	timing t = measure(seconds, call, &f);

	// One element of the last head.
	const long h = heads - 1, row = m / 2, column = n / 3;
	double want = 0, size = 0;
	for (long i = 0; i < k; i++) {
		double x = get(a, h * sa[0] + row * sa[1] + i * sa[2]) - (mode.quantized ? zero_a : 0);
		double y = get(b, h * sb[0] + i * sb[1] + column * sb[2]);
		want += x * y, size += std::fabs(x * y);
	}
	double tolerance = mode.c == type::f32 ? 1e-5 * size + 1e-5 : 0;
	if (mode.quantized)
		want *= double(scale_a) * scale_b(column), tolerance = 1;
	if (mode.bias)
		want += get(bias, column);
	if (mode.gelu)
		want = want / 2 * (1 + std::erf(want / std::sqrt(2)));
	if (mode.quantized)
		want = std::fmin(255, std::fmax(0, std::nearbyint(want / scale_c) + zero_c));
	double got = get(c, h * sc[0] + row * sc[1] + column * sc[2]);
	if (!(std::fabs(got - want) <= tolerance)) {
		std::cerr << mode.name << ": element (" << row << ", " << column << ") is " << got << ", want " << want << "\n";
		exit(1);
	}

	double operations = 2e-9 * double(heads) * double(m) * double(n) * double(k);
	std::cout << mode.name << " " << m << "x" << n << "x" << k << " " << operations / t.median << " "
	          << operations / t.best << " " << 1e6 * t.median << std::endl;
}

} // namespace

int main() {
	std::string name;
	long m, n, k;
	double seconds;
	while (std::cin >> name >> m >> n >> k >> seconds) {
		bool known = false;
		for (const mode &mode : modes)
			if (name == mode.name) {
				known = true;
				run(mode, m, n, k, seconds);
			}
		if (!known) {
			std::cerr << "onednn: no mode " << name << "\n";
			return 2;
		}
	}
}
