using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>What a backend says that it makes of a row is what its products with single inputs give.</summary>
public sealed class RowRoundingTests
{
    private const int Inputs = 200;
    private const int Outputs = 20;

    [Test]
    public void A_row_is_what_products_with_single_inputs_give(
        [Values("F32", "BF16", "Q8_0")] string stored, [Values] CpuWeights weights, [Values] bool givesLogits)
    {
        WeightFormat format = stored == "Q8_0" ? WeightFormat.Q8_0 : WeightFormat.Of(Enum.Parse<TensorType>(stored))!;
        int inputs = stored == "Q8_0" ? 192 : Inputs;
        using var twin = new Twin(5, inputs);
        WeightSource source = twin.Weight(format, Outputs, inputs) with { GivesLogits = givesLogits };
        using IBackend backend = new CpuBackend(inputs, 0, 1, weights);
        RowRounding? rounding = backend.RoundingOf(format, givesLogits, null);
        float[][] columns = Columns(backend, twin, source, inputs);

        Assert.That(rounding is null, Is.EqualTo(weights == CpuWeights.AsStored
            || (stored == "Q8_0" && (weights == CpuWeights.Int8 || givesLogits))));
        float largest = 0;
        for (int output = 0; output < Outputs; output++)
        {
            float[] row = new float[inputs];
            format.Widen(source.Row(output), row);
            float[] before = [.. row];
            rounding?.Invoke(row);
            for (int input = 0; input < inputs; input++)
            {
                float tolerance = 1e-6f + (1e-4f * Math.Abs(row[input]));
                Assert.That(columns[input][output], Is.EqualTo(row[input]).Within(tolerance), $"{output}, {input}");
                largest = Math.Max(largest, Math.Abs(row[input] - before[input]));
            }
        }

        Assert.That(largest > 0, Is.EqualTo(rounding is not null), "another value than the stored one");
    }

    private static float[][] Columns(IBackend backend, Twin twin, WeightSource weight, int inputs)
    {
        var group = new LinearGroup(new LinearPart(backend.LoadMatrix(weight), null, 0));
        DeviceRows x = backend.CreateRows(RowSet.Step, group.Inputs);
        DeviceRows y = backend.CreateRows(RowSet.Step, group.Outputs);
        for (int row = 0; row < inputs; row++)
        {
            float[] one = new float[inputs];
            one[row] = 1;
            Twin.Write(x, row, one);
        }

        twin.Plan.Clear();
        twin.Plan.AddSlice(new int[inputs], 0, [], 0);
        backend.BeginStep(twin.Plan);
        backend.Linear(group, x, y);
        return [.. Enumerable.Range(0, inputs).Select(row => Twin.Read(y, row))];
    }
}
