using System.Buffers.Binary;
using System.Security.Cryptography;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Core.Tests.Formats.Blocks;
using SLoRA.Core.Tests.Sampling;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>
/// What runs in processes whose processor has narrower vectors than this machine's: tests of the backend and of sampling, and results to
/// compare.
/// </summary>
internal static unsafe class NarrowProcessors
{
    private const int Seeds = 6;

    /// <summary>The backend's own tests.</summary>
    public static void Check()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            new ProductJobTests().Products_have_the_bits_of_scalar_sums_in_order_and_then_the_bias(seed);
            new ProductJobTests().Products_have_the_bits_of_the_Reference(seed);
            new ProductJobTests().A_row_has_the_same_bits_alone_and_in_a_batch_on_any_number_of_threads(seed);
            new TileProductTests().Blocks_have_the_bits_of_sums_in_order_at_the_width_of_the_machine_and_at_256_and_128_bits(seed);
            new TileProductTests().One_entry_along_rank_rows_has_the_bits_of_sums_in_order(seed);
            new Int8ProductTests().Products_with_int8_weights_have_the_bits_of_their_formula(seed);
            new CpuFormatsTests().Products_with_blocks_differ_from_the_Reference_by_the_rounding_of_activations_alone(seed);
            new PackedProductTests().Products_have_the_bits_of_their_formula(seed);
            new Int4Tests().Products_have_the_bits_of_what_the_quantizer_made(seed);
            new LoraTests().Ragged_work_lists_agree_with_the_Reference(seed);
            new LoraTests().A_row_has_the_same_bits_alone_and_in_a_mix(seed);
            new HalfAdapterTests().Machine_code_changes_no_bit_of_a_delta(seed);
            new AttentionJobTests().Attention_agrees_with_the_Reference(seed);
            new AttentionJobTests().What_is_kept_of_a_token_in_8_bits_is_what_the_Reference_keeps_to_the_bit(seed);
            new BlockSoftmaxTests().Weights_are_powers_under_the_largest_score_so_far_and_sums_follow_it(seed);
            new BlockValuesTests().Every_query_adds_what_it_sees_in_order(seed);
            new I8ElementsTests().Integers_are_numbers_over_the_scale_rounded_to_nearest_even(seed);
            new ComparisonsTests().They_find_what_a_scalar_comparison_finds(seed);
            new ComparisonsTests().Sums_of_weights_have_the_bits_of_eight_lanes(seed);
        }

        new AttentionJobTests().Scores_of_minus_infinity_have_no_weight_as_in_the_Reference(0, 512, 1024, hasSinks: false, rows: 12);
        new AttentionJobTests().Scores_of_minus_infinity_have_no_weight_as_in_the_Reference(1, 0, 576, hasSinks: true, rows: 1);

        // Each seed has all formats.
        new PackedPackJobTests().Panels_have_the_bytes_that_their_layout_says(seed: 1);
        new CodedFormatTests().Runs_of_blocks_have_the_codes_and_scales_of_their_bits(seed: 1);
        new CodedFormatTests().Runs_of_blocks_with_zeros_have_the_codes_of_their_bits(seed: 1);
        new PowerOfTwoTests().It_is_within_one_unit_in_the_last_place_and_within_two_where_products_are_rounded();
        new ExponentialTests().It_is_zero_or_huge_for_far_arguments_and_never_undefined();
    }

    /// <summary>Prints what the backend says it uses, and a digest of products whose bits depend on how sums are rounded.</summary>
    public static void Digest()
    {
        using var backend = new CpuBackend(1, 1, threads: 1);
        BackendStatus status = backend.Status;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] bytes = new byte[sizeof(float)];
        for (int seed = 0; seed < Seeds; seed++)
        {
            using var twin = new Twin(seed, 7);
            (_, LinearGroup group) = twin.Group(150, (TensorType.BF16, 40, true), (TensorType.F32, 33, false));
            (_, DeviceRows x) = twin.Rows(RowSet.Step, 150, 7);
            DeviceRows y = twin.Cpu.CreateRows(RowSet.Step, 73);
            DeviceRows gated = twin.Cpu.CreateRows(RowSet.Step, 75);
            twin.Plan.AddSlice(new int[7], 0, [], 0);
            twin.Cpu.BeginStep(twin.Plan);
            twin.Cpu.Linear(group, x, y);
            twin.Cpu.Gate(Activation.Silu, x, gated);
            for (int row = 0; row < 7; row++)
            {
                foreach (float number in (float[])[.. Twin.Read(y, row), .. Twin.Read(gated, row)])
                {
                    BinaryPrimitives.WriteSingleLittleEndian(bytes, number);
                    hash.AppendData(bytes);
                }
            }
        }

        Console.WriteLine($"{status.VectorBits} {status.FusedMultiplyAdd} {Convert.ToHexString(hash.GetHashAndReset())}");
        Console.WriteLine(status.Instructions);
        Console.WriteLine(((IBackend)backend).Shortcoming);
    }
}
