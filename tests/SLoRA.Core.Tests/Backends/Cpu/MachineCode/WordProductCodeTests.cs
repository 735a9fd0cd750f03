using Iced.Intel;
using NUnit.Framework;
using SLoRA.Backends.Cpu.MachineCode;
using SLoRA.MachineCode;

namespace SLoRA.Core.Tests.Backends.Cpu.MachineCode;

/// <summary>What the stored bytes are: those of the tool, and nothing but what they should do.</summary>
internal sealed class WordProductCodeTests
{
    private static readonly HashSet<Mnemonic> Intended =
    [
        Mnemonic.Endbr64, Mnemonic.Mov, Mnemonic.Lea, Mnemonic.Push, Mnemonic.Pop, Mnemonic.Add, Mnemonic.Sub, Mnemonic.Dec, Mnemonic.Jne,
        Mnemonic.Ret, Mnemonic.Vzeroupper, Mnemonic.Vpxord, Mnemonic.Vmovups, Mnemonic.Vpmovsxbw, Mnemonic.Vpbroadcastd,
        Mnemonic.Vpdpwssd, Mnemonic.Vpdpbusd, Mnemonic.Vbroadcastss, Mnemonic.Vcvtdq2ps, Mnemonic.Vmulps, Mnemonic.Vfmadd213ps,
        Mnemonic.Vfmadd231ps, Mnemonic.Vpbroadcastq, Mnemonic.Vpandd, Mnemonic.Vpsrlw, Mnemonic.Vpslld, Mnemonic.Vpaddd,
        Mnemonic.Vpmultishiftqb, Mnemonic.Vpternlogd, Mnemonic.Prefetcht0, Mnemonic.Prefetcht1, Mnemonic.Neg, Mnemonic.Cmp, Mnemonic.Jg,
        Mnemonic.Jle, Mnemonic.Je, Mnemonic.Test, Mnemonic.Inc, Mnemonic.Vcvtph2ps, Mnemonic.Vpxor, Mnemonic.Vpinsrw, Mnemonic.Vmovss,
    ];

    /// <summary>What either calling convention asks a function to keep, but for the stack pointer.</summary>
    private static readonly HashSet<Register> ToKeep =
    [
        Register.RBX, Register.RBP, Register.RSI, Register.RDI, Register.R12, Register.R13, Register.R14, Register.R15,
        Register.XMM6, Register.XMM7, Register.XMM8, Register.XMM9, Register.XMM10, Register.XMM11, Register.XMM12, Register.XMM13,
        Register.XMM14, Register.XMM15,
    ];

    [TestCaseSource(nameof(Names))]
    public void The_file_is_what_the_tool_writes(string name)
    {
        CodeListing listing = Listing(name);
        string file = RepositoryFolder.Path + "/src/SLoRA.Core/Backends/Cpu/MachineCode/" + listing.File;

        Assert.That(File.ReadAllText(file).ReplaceLineEndings("\n"), Is.EqualTo(Listings.Text(listing)));
    }

    [TestCaseSource(nameof(Entries))]
    public void The_bytes_of_the_library_are_those_of_the_assembler(string name, string entry) =>
        Assert.That(Stored(name, entry), Is.EqualTo(Entry(name, entry).Assemble()));

    [TestCaseSource(nameof(Entries))]
    public void Only_intended_instructions_occur_and_jumps_stay_inside(string name, string entry)
    {
        List<Instruction> code = Decode(Stored(name, entry));
        HashSet<ulong> begins = [.. code.Select(instruction => instruction.IP)];

        Assert.That(code.Select(instruction => instruction.Mnemonic).Where(mnemonic => !Intended.Contains(mnemonic)), Is.Empty);
        Assert.That(
            code.Where(instruction => instruction.FlowControl == FlowControl.ConditionalBranch).Select(jump => jump.NearBranchTarget),
            Is.SubsetOf(begins));
        Assert.That(code.Count(instruction => instruction.Mnemonic == Mnemonic.Ret), Is.EqualTo(1));
        Assert.That(code[^1].Mnemonic, Is.EqualTo(Mnemonic.Ret));
        Assert.That(
            code.Count(instruction => instruction.Mnemonic == Entry(name, entry).Product), Is.EqualTo(Entry(name, entry).Products));
    }

    [TestCaseSource(nameof(Entries))]
    public void Windows_begins_behind_the_move_of_the_argument(string name, string entry)
    {
        List<Instruction> code = Decode(Stored(name, entry));

        Assert.That(code[1].Mnemonic, Is.EqualTo(Mnemonic.Mov));
        Assert.That((code[1].Op0Register, code[1].Op1Register), Is.EqualTo((Register.RCX, Register.RDI)));
        Assert.That(code[2].IP, Is.EqualTo((ulong)WordProductCode.WindowsEntry));
        Assert.That(ByteProductCode.WindowsEntry, Is.EqualTo(WordProductCode.WindowsEntry));
        Assert.That(PackedRowCode.WindowsEntry, Is.EqualTo(WordProductCode.WindowsEntry));
        Assert.That(HalfWideningCode.WindowsEntry, Is.EqualTo(WordProductCode.WindowsEntry));
    }

    [TestCaseSource(nameof(Entries))]
    public void What_callers_rely_on_is_saved_before_it_changes_and_restored(string name, string entry)
    {
        var information = new InstructionInfoFactory();
        List<Register> pushed = [];
        List<Register> popped = [];
        HashSet<Register> saved = [];
        HashSet<Register> restored = [];
        foreach (Instruction instruction in Decode(Stored(name, entry)))
        {
            switch (instruction.Mnemonic)
            {
                case Mnemonic.Push:
                    pushed.Add(instruction.Op0Register);
                    saved.Add(instruction.Op0Register);
                    continue;
                case Mnemonic.Pop:
                    popped.Add(instruction.Op0Register);
                    restored.Add(instruction.Op0Register);
                    continue;
                case Mnemonic.Vmovups when instruction.MemoryBase == Register.RSP && instruction.Op0Kind == OpKind.Memory:
                    saved.Add(instruction.Op1Register);
                    continue;
                case Mnemonic.Vmovups when instruction.MemoryBase == Register.RSP:
                    restored.Add(instruction.Op0Register);
                    continue;
            }

            foreach (UsedRegister used in information.GetInfo(instruction).GetUsedRegisters())
            {
                Register register = used.Register.IsVectorRegister()
                    ? Register.XMM0 + used.Register.GetNumber()
                    : used.Register.GetFullRegister();
                bool changes = used.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite;
                if (changes && ToKeep.Contains(register) && instruction.Mnemonic != Mnemonic.Vzeroupper)
                {
                    Assert.That(saved, Does.Contain(register), instruction.ToString());
                }
            }
        }

        pushed.Reverse();
        Assert.That(popped, Is.EqualTo(pushed));
        Assert.That(restored, Is.EquivalentTo(saved));
    }

    [TestCaseSource(nameof(Entries))]
    public void Every_access_is_relative_to_an_argument_or_the_stack(string name, string entry)
    {
        // What holds an address that the caller has given: the block of arguments, and what was read from it and advanced.
        HashSet<Register> addresses = [Register.RCX];
        foreach (Instruction instruction in Decode(Stored(name, entry)))
        {
            if (instruction.Mnemonic == Mnemonic.Lea)
            {
                addresses.Add(instruction.Op0Register);
                continue;
            }

            if (instruction.Mnemonic == Mnemonic.Mov && instruction.Op1Kind == OpKind.Memory)
            {
                Assert.That(instruction.MemoryBase, Is.EqualTo(Register.RCX));
                addresses.Add(instruction.Op0Register);
            }

            if (instruction.OpCount > 0 && Enumerable.Range(0, instruction.OpCount).Any(i => instruction.GetOpKind(i) == OpKind.Memory))
            {
                Assert.That(instruction.IsIPRelativeMemoryOperand, Is.False);
                Assert.That(
                    instruction.MemoryBase == Register.RSP || addresses.Contains(instruction.MemoryBase), Is.True, instruction.ToString());
            }
        }
    }

    private static IEnumerable<string> Names() => Listings.All.Select(listing => listing.Name);

    private static IEnumerable<TestCaseData> Entries() =>
        from listing in Listings.All
        from entry in listing.Entries
        select new TestCaseData(listing.Name, entry.Name);

    private static CodeListing Listing(string name) => Listings.All.Single(listing => listing.Name == name);

    private static CodeEntry Entry(string name, string entry) => Listing(name).Entries.Single(one => one.Name == entry);

    private static byte[] Stored(string name, string entry) => (name, entry) switch
    {
        ("WordProduct", "Rows8Panels3") => WordProductCode.Rows8Panels3.ToArray(),
        ("WordProduct", "Rows8Panels1") => WordProductCode.Rows8Panels1.ToArray(),
        ("WordProduct", "Rows4Panels4") => WordProductCode.Rows4Panels4.ToArray(),
        ("WordProduct", "Rows4Panels1") => WordProductCode.Rows4Panels1.ToArray(),
        ("ByteProduct", "Rows8Panels3") => ByteProductCode.Rows8Panels3.ToArray(),
        ("ByteProduct", "Rows8Panels1") => ByteProductCode.Rows8Panels1.ToArray(),
        ("PackedRow", "Codes4Activations8Groups32") => PackedRowCode.Codes4Activations8Groups32.ToArray(),
        ("PackedRow", "Codes4Activations16Groups32") => PackedRowCode.Codes4Activations16Groups32.ToArray(),
        ("PackedRow", "Codes4Activations8Groups16") => PackedRowCode.Codes4Activations8Groups16.ToArray(),
        ("PackedRow", "Codes4Activations16Groups16") => PackedRowCode.Codes4Activations16Groups16.ToArray(),
        ("PackedRow", "Codes5Activations8Groups32") => PackedRowCode.Codes5Activations8Groups32.ToArray(),
        ("PackedRow", "Codes5Activations16Groups32") => PackedRowCode.Codes5Activations16Groups32.ToArray(),
        ("PackedRow", "Codes6Activations8Groups16") => PackedRowCode.Codes6Activations8Groups16.ToArray(),
        ("PackedRow", "Codes6Activations16Groups16") => PackedRowCode.Codes6Activations16Groups16.ToArray(),
        ("HalfWidening", "Bits256") => HalfWideningCode.Bits256.ToArray(),
        ("HalfWidening", "Bits512") => HalfWideningCode.Bits512.ToArray(),
        _ => throw new ArgumentOutOfRangeException(nameof(entry)),
    };

    private static List<Instruction> Decode(byte[] bytes)
    {
        var decoder = Decoder.Create(64, bytes, 0);
        var code = new List<Instruction>();
        while (decoder.IP < (ulong)bytes.Length)
        {
            code.Add(decoder.Decode());
        }

        Assert.That(code.Select(instruction => instruction.IsInvalid), Has.None.True);
        return code;
    }
}
