using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Gpu.Bench;

/// <summary>
/// Every operation of the backend, and with it every kernel, against the Reference backend on random steps; and one row of each step alone,
/// whose bits must be those that it has in the mix.
/// </summary>
internal static class KernelChecks
{
    /// <summary>Runs the steps of the seeds 1 to <paramref name="count"/>.</summary>
    public static void Run(GpuOptions options, int count, Tally tally)
    {
        for (int seed = 1; seed <= count; seed++)
        {
            using var step = new RandomStep(seed, GpuDevice.Open(options));
            new Pass(step, seed, tally).Run();
        }

        Console.WriteLine($"{count} random steps");
    }

    /// <summary>
    /// One pass through the operations of a layer. After each, the device goes on with what the Reference has: errors do not add up.
    /// </summary>
    private sealed class Pass(RandomStep step, int seed, Tally tally)
    {
        private readonly int _inner = step.Intermediate;

        public void Run()
        {
            (DeviceTable Reference, DeviceTable Gpu) table =
                Both(static (backend, source) => backend.LoadTable(source), step.Weight(step.Vocabulary, step.Hidden));
            (DeviceVector Reference, DeviceVector Gpu) norm =
                Both(static (backend, source) => backend.LoadVector(source), step.Weight(1, step.Hidden));
            (DeviceVector Reference, DeviceVector Gpu) headNorm =
                Both(static (backend, source) => backend.LoadVector(source), step.Weight(1, step.Attention.HeadDim));
            (DeviceRope Reference, DeviceRope Gpu) rope = (step.Reference.CreateRope(step.Rope), step.Gpu.CreateRope(step.Rope));
            int keys = step.Attention.KeyValueHeads * step.Attention.HeadDim;
            (LinearGroup Reference, LinearGroup Gpu) qkv = step.Group(step.Hidden, (step.AttendedWidth, 1), (keys, 2), (keys, 3));
            (LinearGroup Reference, LinearGroup Gpu) gateUp = step.Group(step.Hidden, (_inner, 5), (_inner, 6));
            (LinearGroup Reference, LinearGroup Gpu) head = step.Group(step.Hidden, (step.Vocabulary, 8));
            (DeviceRows Reference, DeviceRows Gpu) hidden = step.Rows(RowSet.Step, step.Hidden);
            (DeviceRows Reference, DeviceRows Gpu) normed = step.Rows(RowSet.Step, step.Hidden);
            (DeviceRows Reference, DeviceRows Gpu) projected = step.Rows(RowSet.Step, step.QkvWidth);
            (DeviceRows Reference, DeviceRows Gpu) attended = step.Rows(RowSet.Step, step.AttendedWidth);
            (DeviceRows Reference, DeviceRows Gpu) gates = step.Rows(RowSet.Step, 2 * _inner);
            (DeviceRows Reference, DeviceRows Gpu) gated = step.Rows(RowSet.Step, _inner);
            (DeviceRows Reference, DeviceRows Gpu) outputs = step.Rows(RowSet.Output, step.Hidden);
            (DeviceRows Reference, DeviceRows Gpu) logits = step.Rows(RowSet.Output, step.Vocabulary);
            step.Gpu.CompleteLoading(step.Description.Shape);
            step.BuildPlan();
            step.FillContexts(projected, rope);
            int rows = step.Plan.RowCount;
            int outputRows = step.Plan.OutputCount;
            step.Begin(step.Plan);

            step.Reference.Embed(table.Reference, 0, hidden.Reference);
            step.Gpu.Embed(table.Gpu, 0, hidden.Gpu);
            Compare("embed, embedding adapters", hidden, rows, 1e-5f);

            step.Reference.Norm(hidden.Reference, norm.Reference, 1e-5f, normed.Reference);
            step.Gpu.Norm(hidden.Gpu, norm.Gpu, 1e-5f, normed.Gpu);
            Compare("norm", normed, rows, 1e-5f);

            step.Reference.Linear(qkv.Reference, normed.Reference, projected.Reference);
            step.Gpu.Linear(qkv.Gpu, normed.Gpu, projected.Gpu);
            Compare("products of q, k, v with shrink and expand", projected, rows, 1e-4f);

            step.Reference.NormHeads(projected.Reference, 0, step.Attention.Heads, headNorm.Reference, 1e-5f);
            step.Gpu.NormHeads(projected.Gpu, 0, step.Attention.Heads, headNorm.Gpu, 1e-5f);
            Compare("norm of heads", projected, rows, 1e-5f);

            float[] unrotated = projected.Reference.Read(step.Device, rows);
            step.Reference.RotateAndStore(projected.Reference, 0, step.Attention, rope.Reference);
            step.Gpu.RotateAndStore(projected.Gpu, 0, step.Attention, rope.Gpu);
            Compare("rotated queries", projected, rows, 1e-5f, step.AttendedWidth);

            step.Reference.Attend(projected.Reference, 0, step.Attention, attended.Reference);
            step.Gpu.Attend(projected.Gpu, 0, step.Attention, attended.Gpu);

            // A key that lies between two numbers of 16 or 8 bits may be rounded up by one backend and down by the other.
            float cacheError = step.Layout.Type switch { TensorType.F32 => 1e-4f, TensorType.F16 => 2e-3f, _ => 1e-2f };
            float[] mixedAttention = attended.Gpu.Read(step.Device, rows);
            Compare("paged attention", attended, rows, cacheError);

            step.Reference.Linear(gateUp.Reference, normed.Reference, gates.Reference);
            step.Gpu.Linear(gateUp.Gpu, normed.Gpu, gates.Gpu);
            float[] mixedProducts = gates.Gpu.Read(step.Device, rows);
            Compare("products of gate and up with shrink and expand", gates, rows, 1e-4f);

            step.Reference.Gate(Activation.Silu, gates.Reference, gated.Reference);
            step.Gpu.Gate(Activation.Silu, gates.Gpu, gated.Gpu);
            Compare("gate", gated, rows, 1e-5f);

            step.Reference.Add(hidden.Reference, normed.Reference);
            step.Gpu.Add(hidden.Gpu, normed.Gpu);
            Compare("add", hidden, rows, 0);

            step.Reference.GatherOutputs(hidden.Reference, outputs.Reference);
            step.Reference.Linear(head.Reference, outputs.Reference, logits.Reference);
            step.Gpu.GatherOutputs(hidden.Gpu, outputs.Gpu);
            step.Gpu.Linear(head.Gpu, outputs.Gpu, logits.Gpu);
            Compare("gather and head with shrink and expand", logits, outputRows, 1e-4f);
            step.Gpu.EndStep(logits.Gpu);

            int row = step.Random.Next(rows);
            float[] input = normed.Gpu.Read(step.Device, rows);
            step.Gpu.BeginStep(step.Alone(row));
            normed.Gpu.Write(step.Device, input.AsSpan(row * step.Hidden, step.Hidden));
            step.Gpu.Linear(gateUp.Gpu, normed.Gpu, gates.Gpu);
            Same("products and adapters of a row alone", gates.Gpu.Read(step.Device, 1), mixedProducts, row);
            projected.Gpu.Write(step.Device, unrotated.AsSpan(row * step.QkvWidth, step.QkvWidth));
            step.Gpu.RotateAndStore(projected.Gpu, 0, step.Attention, rope.Gpu);
            projected.Gpu.Write(step.Device, projected.Reference.Read(step.Device, rows).AsSpan(row * step.QkvWidth, step.QkvWidth));
            step.Gpu.Attend(projected.Gpu, 0, step.Attention, attended.Gpu);
            Same("attention of a row alone", attended.Gpu.Read(step.Device, 1), mixedAttention, row);
        }

        private (T Reference, T Gpu) Both<T>(Func<IBackend, WeightSource, T> load, WeightSource source) =>
            (load(step.Reference, source), load(step.Gpu, source));

        /// <summary>Errors relative to the largest element of the row, at least 1.</summary>
        private void Compare(string name, (DeviceRows Reference, DeviceRows Gpu) rows, int count, float tolerance, int? columns = null)
        {
            int width = rows.Reference.Width;
            float[] expected = rows.Reference.Read(step.Device, count);
            float[] actual = rows.Gpu.Read(step.Device, count);
            float worst = 0;
            for (int row = 0; row < count; row++)
            {
                float size = 1;
                for (int i = row * width; i < (row * width) + (columns ?? width); i++)
                {
                    size = MathF.Max(size, MathF.Abs(expected[i]));
                }

                for (int i = row * width; i < (row * width) + (columns ?? width); i++)
                {
                    float error = MathF.Abs(actual[i] - expected[i]) / size;
                    worst = float.IsNaN(error) ? float.PositiveInfinity : MathF.Max(worst, error);
                }
            }

            tally.Add(worst <= tolerance, $"step {seed}, {name}",
                string.Create(CultureInfo.InvariantCulture, $"largest error {worst:0.0E+0} of {tolerance:0E+0}"));
            rows.Gpu.Write(step.Device, expected);
        }

        private void Same(string name, float[] alone, float[] mixed, int row)
        {
            int different = 0;
            for (int i = 0; i < alone.Length; i++)
            {
                different += BitConverter.SingleToInt32Bits(alone[i]) == BitConverter.SingleToInt32Bits(
                    mixed[(row * alone.Length) + i]) ? 0 : 1;
            }

            tally.Add(different == 0, $"step {seed}, {name}", $"{different} of {alone.Length} elements have other bits");
        }
    }
}
