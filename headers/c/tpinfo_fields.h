/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field macros of TP_STRUCT__entry, as members of the record.
 *
 * A dynamic array is a u32 in the record. The kernel's stage 1 drops the type
 * of its elements; here the u32 comes wrapped in a struct of the same size and
 * alignment that also has a zero-length array of the elements, so that the
 * DWARF keeps their type.
 */

#undef __field
#undef __field_ext
#undef __field_struct
#undef __field_struct_ext
#undef __field_desc
#undef __field_packed
#undef __array
#undef __array_desc
#define __field(type, item) type item;
#define __field_ext(type, item, filter_type) type item;
#define __field_struct(type, item) type item;
#define __field_struct_ext(type, item, filter_type) type item;
#define __field_desc(type, container, item) type item;
#define __field_packed(type, container, item) type item;
#define __array(type, item, len) type item[len];
#define __array_desc(type, container, item, len) type item[len];

#define __TPINFO_DYNAMIC(type, item)					\
	struct {							\
		unsigned int __tpinfo_location;				\
		type __tpinfo_element[0];				\
	} __attribute__((packed, aligned(4))) item;

#undef __dynamic_array
#undef __string
#undef __string_len
#undef __vstring
#undef __bitmask
#undef __cpumask
#undef __sockaddr
#define __dynamic_array(type, item, len) __TPINFO_DYNAMIC(type, __data_loc_##item)
#define __string(item, src) __dynamic_array(char, item, -1)
#define __string_len(item, src, len) __dynamic_array(char, item, -1)
#define __vstring(item, fmt, ap) __dynamic_array(char, item, -1)
#define __bitmask(item, nr_bits) __dynamic_array(unsigned long, item, -1)
#define __cpumask(item) __dynamic_array(cpumask_t, item, -1)
#define __sockaddr(item, len) __dynamic_array(unsigned char, item, -1)

#undef __rel_dynamic_array
#undef __rel_string
#undef __rel_string_len
#undef __rel_bitmask
#undef __rel_cpumask
#undef __rel_sockaddr
#define __rel_dynamic_array(type, item, len) __TPINFO_DYNAMIC(type, __rel_loc_##item)
#define __rel_string(item, src) __rel_dynamic_array(char, item, -1)
#define __rel_string_len(item, src, len) __rel_dynamic_array(char, item, -1)
#define __rel_bitmask(item, nr_bits) __rel_dynamic_array(unsigned long, item, -1)
#define __rel_cpumask(item) __rel_dynamic_array(cpumask_t, item, -1)
#define __rel_sockaddr(item, len) __rel_dynamic_array(unsigned char, item, -1)
