using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>What the interpreter computes, and what it reports, told from texts of a few instructions.</summary>
public sealed unsafe class PtxMachineTests
{
    /// <summary>
    /// Every thread has its number in r1, the address of its element of x in rd3, and that of its word of shared memory in rd5.
    /// </summary>
    private const string Frame = """
        .version 7.8
        .target sm_80
        .address_size 64
        .visible .entry Kernel(
            .param .align 8 .b8 x[16]
        )
        .maxntid 64, 1, 1
        {
            .shared .align 16 .b8 s[1024];
            .reg .pred %p<8>;
            .reg .b32 %r<32>;
            .reg .b64 %rd<16>;
            .reg .f32 %f<16>;
            ld.param.b64 %rd1, [x];
            mov.b32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, 4;
            add.u64 %rd3, %rd1, %rd2;
            mov.b64 %rd4, s;
            add.u64 %rd5, %rd4, %rd2;
            xor.b64 %rd6, %rd5, 4;
            BODY
            ret;
        }
        """;

    private const string Copied = "mul.wide.u32 %rd7, %r1, 16; add.u64 %rd8, %rd4, %rd7; add.u64 %rd9, %rd1, %rd7; cvt.u32.u64 %r2, %rd8;"
        + " cp.async.cg.shared.global [%r2], [%rd9], 16; cp.async.commit_group; ";

    [TestCase("ld.global.b32 %r2, [%rd3+4096];", "outside every view")]
    [TestCase("st.global.b32 [%rd3+4096], %r1;", "outside every view")]
    [TestCase("ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd3];", "no multiple")]
    [TestCase("ld.shared.b32 %r2, [%rd5];", "nobody has written")]
    [TestCase("st.shared.b32 [%rd5+1024], %r1;", "touches shared bytes")]
    [TestCase("st.shared.b32 [%rd5], %r1; ld.shared.b32 %r2, [%rd6];", "no barrier")]
    [TestCase("st.shared.b32 [%rd5], %r1; bar.sync 0; ld.shared.b32 %r2, [%rd6]; st.shared.b32 [%rd5], %r2;", "no barrier")]
    [TestCase("st.shared.b32 [%rd4], %r1;", "no barrier")]
    [TestCase("st.global.b32 [%rd1], %r1;", "in one launch")]
    [TestCase("ld.global.b32 %r2, [%rd1]; st.global.b32 [%rd3], %r2;", "in the same launch")]
    [TestCase("add.s32 %r2, %r3, %r1;", "no value")]
    [TestCase("setp.lt.u32 %p1, %r1, 7; @%p1 bra L1; bar.sync 0; L1:", "alone are at")]
    [TestCase("setp.lt.u32 %p1, %r1, 7; @%p1 shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;", "alone are at")]
    [TestCase("setp.lt.u32 %p1, %r1, 7; @%p1 bra L1; bar.sync 0; bra L2; L1: bar.sync 0; L2:", "different places")]
    [TestCase("setp.lt.u32 %p1, %r1, 32; @%p1 bra L1; bar.sync 0; L1:", "others wait at a barrier")]
    [TestCase(Copied + "ld.shared.b32 %r3, [%rd8];", "under way")]
    [TestCase(Copied + "cp.async.wait_group 0; ld.shared.b32 %r3, [%rd6];", "no barrier")]
    [TestCase(Copied + "cp.async.wait_group 1; ld.shared.b32 %r3, [%rd8];", "under way")]
    [TestCase("L1: bra L1;", "does not come to an end")]
    [TestCase("bfe.u32 %r2, %r1, 3, 2;", "does not know")]
    [TestCase("ld.b32 %r2, [%rd3];", "Which memory")]
    [TestCase("mov.b32 %r2, 0x43804380; mov.b32 %r3, 0x3F803F80; fma.rn.bf16x2 %r4, %r2, %r3, %r3;", "no bfloat16 number")]
    public void Faults_are_reported(string body, string said) =>
        Assert.That(() => Run(body), Throws.TypeOf<PtxFault>().With.Message.Contains(said));

    [TestCase("st.shared.b32 [%rd5], %r1; bar.sync 0; ld.shared.b32 %r2, [%rd6]; st.global.b32 [%rd3], %r2;", 1, 0, 3, 2)]
    [TestCase("shfl.sync.bfly.b32 %r2, %r1, 2, 31, -1; st.global.b32 [%rd3], %r2;", 2, 3, 0, 1)]
    [TestCase("setp.lt.u32 %p1, %r1, 2; @%p1 bra L1; add.s32 %r2, %r1, 10; bra L2; L1: mov.b32 %r2, 5; L2: bar.sync 0;"
        + " st.global.b32 [%rd3], %r2;", 5, 5, 12, 13)]
    [TestCase("mov.b32 %r2, 0; L1: add.s32 %r2, %r2, 3; sub.s32 %r1, %r1, 1; setp.ge.s32 %p1, %r1, 0; @%p1 bra L1;"
        + " st.global.b32 [%rd3], %r2;", 3, 6, 9, 12)]
    [TestCase("sub.s32 %r2, %r1, 2; shr.s32 %r3, %r2, 1; st.global.b32 [%rd3], %r3;", -1, -1, 0, 0)]
    [TestCase("sub.s32 %r2, %r1, 3; setp.lt.u32 %p1, %r2, 9; selp.b32 %r3, 1, 2, %p1; st.global.b32 [%rd3], %r3;", 2, 2, 2, 1)]
    [TestCase("cvt.rn.f32.s32 %f1, %r1; mul.f32 %f2, %f1, 0f40200000; cvt.rzi.s32.f32 %r2, %f2; st.global.b32 [%rd3], %r2;", 0, 2, 5, 7)]
    [TestCase("mov.b32 %r2, 0x12343E00; { .reg .b16 h; cvt.u16.u32 h, %r2; cvt.f32.f16 %f1, h; } st.global.f32 [%rd3], %f1;", 0x3FC00000)]
    [TestCase("mov.b32 %r1, 0x43034302; mov.b32 %r2, 0x3F803F80; mov.b32 %r3, 0xC300C308; fma.rn.bf16x2 %r4, %r1, %r2, %r3;"
        + " st.global.b32 [%rd3], %r4;", 0x4040C0C0)]
    [TestCase("and.b32 %r3, %r1, 1; add.s32 %r3, %r3, 4; shfl.sync.idx.b32 %r2, %r1, %r3, 31, -1; st.global.b32 [%rd3], %r2;", 4, 5, 4)]
    [TestCase("{ .reg .b32 %r1; mov.b32 %r1, 9; } st.global.b32 [%rd3], %r1;", 0, 1, 2, 3)]
    public void Instructions_compute(string body, params int[] expected) =>
        Assert.That(Run(body)[..expected.Length], Is.EqualTo(expected));

    [Test]
    public void Copies_that_are_waited_for_are_there_behind_a_barrier()
    {
        int[] x = Run(
            "st.global.b32 [%rd3], %r1; bar.sync 0; " + Copied
            + "cp.async.wait_group 0; bar.sync 0; ld.shared.b32 %r3, [%rd6]; bar.sync 0; st.global.b32 [%rd3], %r3;");
        Assert.That(x[..4], Is.EqualTo((int[])[1, 0, 3, 2]));
    }

    /// <summary>A row is 16 bytes: words 4 r to 4 r + 3 of shared memory; lane l gets word l mod 4 of row l / 4 of each matrix.</summary>
    [Test]
    public void Matrices_are_loaded_as_the_ISA_says()
    {
        int[] x = Run(
            "st.shared.b32 [%rd5], %r1; add.s32 %r2, %r1, 64; st.shared.b32 [%rd5+256], %r2; bar.sync 0;"
            + " and.b32 %r3, %r1, 31; mul.wide.u32 %rd7, %r3, 16; add.u64 %rd8, %rd4, %rd7;"
            + " ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%rd8]; bar.sync 0; st.global.b32 [%rd3], %r7;");
        Assert.That(x[..32], Is.EqualTo(Enumerable.Range(96, 32)));
    }

    /// <summary>Runs 64 threads over 256 elements and gives what these hold then.</summary>
    private static int[] Run(string body)
    {
        var elements = new int[256 + 4];
        PtxKernel kernel = PtxExecutor.Prepare(PtxParser.Parse(Frame.Replace("BODY", body, StringComparison.Ordinal)));
        fixed (int* address = elements)
        {
            // Sixteen bytes are loaded at multiples of them.
            nint aligned = ((nint)address + 15) & ~15;
            var memory = new DeviceMemoryWatch();
            memory.Add(aligned, 256 * sizeof(int));
            var parameters = new byte[16];
            BitConverter.TryWriteBytes(parameters, (long)aligned);
            new PtxLaunch(kernel, (1, 1, 1), 64, parameters, memory).Run();
            return new Span<int>((void*)aligned, 256).ToArray();
        }
    }
}
