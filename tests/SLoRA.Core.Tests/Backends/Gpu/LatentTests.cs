using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

[NonParallelizable]
[DeviceFixture]
public sealed class LatentTests
{
    private const int Rows = 70;

    [Test]
    public void A_latent_that_is_not_finite_reaches_no_row_that_does_not_see_it([Values(0, 1, 2, 3)] int type)
    {
        var shape = new LatentAttention
        {
            Heads = 3,
            Latent = 40,
            Plain = 8,
            Rotated = 4,
            Value = 8,
            ScoreScale = 0.3f,
            AdjacentPairs = false,
        };
        using GpuTwin twin = SharedDevice.Twin(type, Rows);
        var kept = new KeyValueShape(1, shape.KeyColumns) { ValueDim = 0, OwnScaleColumns = shape.Rotated };
        var layout = KvLayout.For([kept], Twin.CacheTypes[type], 16);
        int[] table = [.. Enumerable.Range(0, layout.PagesFor(Rows)).Reverse()];
        twin.AllocateLatents(layout, table.Length);
        DeviceRoutes routes = twin.Gpu.CreateRoutes(shape.Heads, shape.Heads);
        DeviceRope rope = twin.Gpu.CreateRope(new RopeDescription { InverseFrequencies = [1, 0.1f] });
        DeviceRows q = twin.Gpu.CreateRows(RowSet.Step, shape.Heads * shape.QueryColumns);
        DeviceRows kv = twin.Gpu.CreateRows(RowSet.Step, shape.KeyColumns);
        DeviceRows absorbed = twin.Gpu.CreateRoutedRows(routes, shape.Latent);
        DeviceRows y = twin.Gpu.CreateRoutedRows(routes, shape.Latent);
        twin.Plan.AddSlice(new int[Rows], 0, table, 0);
        float[][] clean = Attend(-1);
        foreach (int position in (int[])[3, 40, 66])
        {
            float[][] rows = Attend(position);
            for (int row = 0; row < Rows * shape.Heads; row++)
            {
                // Rows of a head follow one another.
                Assert.That(
                    rows[row], row % Rows < position ? Is.EqualTo(clean[row]) : Is.All.NaN,
                    $"head {row / Rows}, row {row % Rows}, not finite {position}");
            }
        }

        float[][] Attend(int notFinite)
        {
            var random = new Random(5);
            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
            twin.BeginStep();
            for (int row = 0; row < Rows; row++)
            {
                float[] token = Numbers(kv.Width);
                token[0] = row == notFinite ? float.NaN : token[0];
                twin.Write(kv, row, token);
                twin.Write(q, row, Numbers(q.Width));
            }

            for (int row = 0; row < Rows * shape.Heads; row++)
            {
                twin.Write(absorbed, row, Numbers(shape.Latent));
            }

            twin.Gpu.RotateAndStoreLatent(q, kv, 0, shape, rope);
            twin.Gpu.RouteToAll(routes);
            twin.Gpu.AttendLatent(absorbed, q, 0, shape, routes, y);
            return [.. Enumerable.Range(0, Rows * shape.Heads).Select(row => twin.Read(y, row))];
        }
    }
}
