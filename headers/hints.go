package headers

// Hint is what one trace header needs so that it compiles at the first try
// outside the source file it was written for. A header without a hint is
// compiled as it is; what then fails is repaired by the extractor from the
// compiler's words, at the price of another run.
type Hint struct {
	// Header as a unit includes it: "trace/events/mdio.h".
	Header string
	// Includes are public headers to read before it. One that a tree does
	// not have is left out.
	Includes []string
	// Unknown names types that only a private header defines: "ext4_group_t",
	// "struct afs_fid", "enum page_type". They are declared as of unknown
	// size. One that the tree's own headers define must not stand here.
	Unknown []string
	// Unless is the configuration option under which the tree's public
	// headers do define what Unknown names: "CONFIG_I2C_SLAVE". Until is the
	// first version whose public headers always do: {6, 12}.
	Unless string
	Until  [2]int
	// Constants names array lengths that only a private header defines.
	Constants []string
}

// HintFor returns the hint of a trace header, if there is one.
func HintFor(header string) (Hint, bool) {
	for _, h := range hints {
		if h.Header == header {
			return h, true
		}
	}
	return Hint{}, false
}

// hints are for the trace headers of 5.10 to 7.3.
var hints = []Hint{
	{
		Header:   "trace/events/afs.h",
		Includes: []string{"linux/rxrpc.h"},
		Unknown:  []string{"afs_volid_t", "struct afs_fid", "enum afs_call_state", "enum afs_lock_state"},
	},
	{Header: "trace/events/asoc.h", Includes: []string{"sound/soc.h"}},
	{
		Header:   "trace/events/cachefiles.h",
		Includes: []string{"linux/netfs.h", "linux/fscache-cache.h"},
		Unknown:  []string{"enum cachefiles_content"},
	},
	{Header: "trace/events/erofs.h", Unknown: []string{"erofs_nid_t", "erofs_blk_t", "erofs_off_t"}},
	{
		Header:    "trace/events/ext4.h",
		Includes:  []string{"linux/jbd2.h"},
		Unknown:   []string{"ext4_group_t", "ext4_grpblk_t", "ext4_lblk_t", "ext4_fsblk_t"},
		Constants: []string{"EXT4_FC_REASON_MAX"},
	},
	{
		Header:    "trace/events/f2fs.h",
		Unknown:   []string{"nid_t", "block_t", "enum extent_type", "enum f2fs_lock_name"},
		Constants: []string{"NR_PAGE_TYPE"},
	},
	{Header: "trace/events/firewire.h", Constants: []string{"ASYNC_HEADER_QUADLET_COUNT"}},
	{
		Header:   "trace/events/i2c_slave.h",
		Includes: []string{"linux/i2c.h"},
		Unknown:  []string{"enum i2c_slave_event"},
		Unless:   "CONFIG_I2C_SLAVE",
		Until:    [2]int{6, 12},
	},
	{Header: "trace/events/ib_mad.h", Includes: []string{"rdma/ib_smi.h", "rdma/opa_smi.h"}},
	{Header: "trace/events/intel_ifs.h", Unknown: []string{"union ifs_sbaf", "union ifs_sbaf_status"}},
	// It is this header that says whether there are irqchips, and their events.
	{Header: "trace/events/kvm.h", Includes: []string{"linux/kvm.h"}},
	{
		Header:  "trace/events/landlock.h",
		Unknown: []string{"access_mask_t", "enum landlock_request_type"},
	},
	{Header: "trace/events/mdio.h", Includes: []string{"linux/phy.h"}},
	{Header: "trace/events/netfs.h", Includes: []string{"linux/netfs.h"}},
	{Header: "trace/events/nilfs2.h", Includes: []string{"linux/blk_types.h"}},
	{Header: "trace/events/rpcrdma.h", Includes: []string{"linux/inet.h"}},
	{
		Header:   "trace/events/rxrpc.h",
		Includes: []string{"linux/rxrpc.h"},
		Unknown: []string{
			"rxrpc_seq_t", "rxrpc_serial_t", "struct rxrpc_host_header", "struct rxrpc_wire_header",
			"struct rxrpc_ack_summary", "enum rxrpc_call_completion", "enum rxrpc_congest_mode",
			"enum rxrpc_ca_state", "enum rxrpc_rack_timer_mode",
		},
	},
	{Header: "trace/events/sof.h", Includes: []string{"sound/pcm.h"}},
	{Header: "trace/events/swiotlb.h", Includes: []string{"linux/swiotlb.h"}},
	{Header: "trace/events/timer_migration.h", Unknown: []string{"union tmigr_state"}},
	{Header: "trace/events/ufs.h", Includes: []string{"ufs/ufs.h"}},
}
